// Holds docs/json.md to what is written: every key of every document has to be there.

import Foundation
import Kindred
import KindredExperiments
import KindredReport
import TestSupport
import Testing
import Torch

@Suite struct JSONPageTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder(TinyRuns.files()) }

  private func run(_ arguments: String...) throws -> Data {
    let run = try Command.start(arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(arguments): \(run.errors)")
    return Data(run.output.utf8)
  }

  /// The page's keys by document.
  private static let page: [String: [[String]]] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/json.md")
    let text = (try? String(contentsOf: file.standardizedFileURL, encoding: .utf8)) ?? ""
    var keys: [String: [[String]]] = [:]
    for section in text.components(separatedBy: "\n## ").dropFirst() {
      let lines = section.split(separator: "\n")
      let names = lines.filter { $0.hasPrefix("| `") }.map { $0.split(separator: "`")[1] }
      keys[String(lines[0])] = names.map { $0.replacing("[]", with: "").split(separator: ".").map(String.init) }
    }
    return keys
  }()

  private func isNamed(_ path: [String], in schema: String) -> Bool {
    (Self.page[schema] ?? []).contains { named in
      named.count == path.count && zip(named, path).allSatisfy { $0 == "*" || $0 == $1 }
    }
  }

  /// All paths of keys in a document, of the elements of lists as well.
  private func paths(_ value: Any, below path: [String] = []) -> [[String]] {
    switch value {
    case let object as [String: Any]:
      object.flatMap { key, value in [path + [key]] + paths(value, below: path + [key]) }
    case let list as [Any]: list.flatMap { paths($0, below: path) }
    default: []
    }
  }

  private func check(_ data: Data, _ schema: JSONSchema) throws {
    let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(document["schema"] as? String == schema.rawValue)
    let missing = Set(paths(document).filter { !isNamed($0, in: schema.rawValue) })
    #expect(missing.isEmpty, "\(schema.rawValue) lacks in docs/json.md: \(missing)")
  }

  /// The keys that this value would have written, too.
  private func check(_ value: some Any, _ schema: JSONSchema, below path: [String] = []) {
    for case let name? in Mirror(reflecting: value).children.map(\.label) {
      #expect(isNamed(path + [name], in: schema.rawValue), "docs/json.md: \(schema.rawValue) lacks \(path + [name])")
    }
  }

  @Test func everyDocumentHasASection() {
    #expect(Set(Self.page.keys) == Set(JSONSchema.allCases.map(\.rawValue)))
  }

  @Test func runs() throws {
    try scratch.write(
      """
      extends: student.yaml
      teacher: {precision: int8, int8: {calibration_batches: 3}}
      training: {ema: 0.5, clip_gradients: 1.0}
      """, to: "rich.yaml")
    _ = try run("train", "teacher.yaml", "--quiet")
    try check(try run("distill", "rich.yaml", "--out", "rich", "--quiet", "--json"), .result)
    try check(try scratch.bytes("rich/result.json"), .result)
    check(try JSONDecoder().decode(RunResult.self, from: scratch.bytes("rich/result.json")), .result)
    for line in try scratch.text("rich/metrics.jsonl").split(separator: "\n") {
      try check(Data(line.utf8), .metrics)
      check(try JSONDecoder().decode(LoggedEpoch.self, from: Data(line.utf8)), .metrics)
    }
    try check(try run("evaluate", "rich", "--json"), .evaluation)
    let table = try run("compare", "plain.yaml", "teacher.yaml", "--seeds", "2", "--quiet", "--json")
    try check(table, .comparison)
    struct Rows: Decodable { let methods: [ComparisonSummary] }
    check(try JSONDecoder().decode(Rows.self, from: table).methods[0], .comparison, below: ["methods"])
  }

  @Test func recordings() throws {
    _ = try run("train", "teacher.yaml", "--quiet")
    try check(try run("record", "student.yaml", "--out", "whole", "--quiet", "--json"), .recording)
    try check(try run("record", "student.yaml", "--out", "dealt", "--part", "1/2", "--quiet", "--json"), .recording)
    let shard = try #require(try scratch.folder("whole").shards.first)
    try FileHandle(forWritingTo: shard).truncate(atOffset: 100)
    for folder in ["whole", "dealt"] {
      let found = try Command.run("record", "--check", folder, "--quiet", "--json", in: scratch.url)
      try check(Data(found.output.utf8), .recordingCheck)
    }
  }

  @Test func lists() throws {
    try check(try run("networks", "--json"), .networks)
    try check(try run("loss", "--list", "--json"), .methods)
    try Safetensors.write(["logits": Generator(seed: 6).normal([2, 3])], to: scratch.url.appending(path: "l"))
    try check(try run("loss", "kd", "--student", "l", "--teacher", "l", "--json"), .loss)
    for folder in ["a", "b"] { _ = try scratch.folder("images/\(folder)") }
    try Picture(width: 2, height: 2, bytes: [UInt8](repeating: 9, count: 12)).writePNG(
      to: scratch.url.appending(path: "images/a/1.png"))
    try FileManager.default.copyItem(
      at: scratch.url.appending(path: "images/a/1.png"), to: scratch.url.appending(path: "images/b/2.png"))
    try scratch.write("no image", to: "images/b/3.png")
    let found = try Command.run("data", "check", "images", "--quiet", "--json", in: scratch.url)
    try check(Data(found.output.utf8), .imageCheck)
  }
}

extension URL {
  fileprivate var shards: [URL] {
    get throws {
      try FileManager.default.contentsOfDirectory(at: self, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "safetensors" && $0.lastPathComponent.first?.isNumber == true }
    }
  }
}
