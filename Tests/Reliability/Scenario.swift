// Pieces of work small enough to be done some hundred times, and what must come out of them whatever happens.

import Foundation
import Kindred
import KindredExperiments
import TestSupport
import Torch

/// A command that can be given again until it is through. Without a report, which is no result and holds times.
struct Scenario {
  let name: String
  /// The commands that come first, undisturbed.
  let preparation: [[String]]
  let arguments: [String]

  static let all = [
    Scenario(
      name: "train", preparation: [],
      arguments: ["train", "plain.yaml", "--out", "out", "--quiet", "--resume", "--no-report"]),
    Scenario(
      name: "distill", preparation: [teacher],
      arguments: ["distill", "live.yaml", "--out", "out", "--quiet", "--resume", "--no-report"]),
    Scenario(
      name: "record", preparation: [teacher],
      arguments: ["record", "live.yaml", "--out", "tape", "--quiet", "--resume"]),
    Scenario(
      name: "compare", preparation: [],
      arguments: ["compare", "plain.yaml", "live.yaml", "other.yaml", "--seeds", "1", "--quiet", "--no-report"]),
  ]

  private static let teacher = ["train", "teacher.yaml", "--quiet", "--no-report"]

  /// Those of these names.
  static func named(_ names: [String]) throws -> [Scenario] {
    guard !names.isEmpty else { return all }
    return try names.map { name in
      guard let scenario = all.first(where: { $0.name == name }) else {
        throw Failure("there is no '\(name)'; there are \(all.map(\.name).joined(separator: ", "))")
      }
      return scenario
    }
  }

  /// The files among which the command can be given, `kindred` having run what comes first.
  /// - Parameter images: the size of the training set, in batches of 32.
  func prepare(_ folder: TestFolder, images: Int, epochs: Int) throws {
    var files = TinyRuns.files(images: images, epochs: epochs)
    files["live.yaml"] = "extends: student.yaml\nlosses: {at: {weight: 10}}\n"
    files["other.yaml"] = "extends: student.yaml\nlosses: {hint: null}\n"
    try folder.write(files)
    for arguments in preparation { try finish(arguments, in: folder.url) }
  }

  /// Gives the command, undisturbed.
  func finish(in folder: URL) throws { try finish(arguments, in: folder) }

  private func finish(_ arguments: [String], in folder: URL) throws {
    let finished = try kindred(arguments, in: folder).wait()
    guard finished.status == 0 else {
      throw Failure("kindred \(arguments.joined(separator: " ")) ended with \(finished.status): \(finished.errors)")
    }
  }
}

/// The files below a folder.
struct Outcome {
  /// The lock that a run leaves in its folder.
  private static let lock = ".lock"

  private let folder: URL
  private let names: [String]

  init(_ folder: URL) {
    self.folder = folder
    let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    names = all.filter { name in
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(
        atPath: folder.appending(path: name).path, isDirectory: &isFolder)
      return isThere && !isFolder.boolValue
    }.sorted()
  }

  /// Every file that is a function of the configuration; of the metrics all but the speed, of tables all but the time.
  func results() throws -> [String: Data] {
    let kept = names.filter { name in
      let file = URL(filePath: name)
      // Two of these hold the time that was spent.
      let differs = ["checkpoint.safetensors", "result.json", Outcome.lock].contains(file.lastPathComponent)
      return !differs && !name.hasSuffix(".partial")
    }
    return try Dictionary(uniqueKeysWithValues: kept.map { ($0, try content($0)) })
  }

  private func content(_ name: String) throws -> Data {
    let data = try Data(contentsOf: folder.appending(path: name))
    if name.hasSuffix("table.json") {
      let table = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
      let timeless = table.filter { !["began", "ended", "seconds"].contains($0.key) }
      return try JSONSerialization.data(withJSONObject: timeless, options: .sortedKeys)
    }
    if name.hasSuffix("table.md") {
      return Data(String(decoding: data, as: UTF8.self).replacing(/Trained from .*? together\./, with: "").utf8)
    }
    guard name.hasSuffix("metrics.jsonl") else { return data }
    return try Data(
      data.split(separator: UInt8(ascii: "\n")).flatMap { line in
        var epoch = try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
        epoch["imagesPerSecond"] = nil
        return try JSONSerialization.data(withJSONObject: epoch, options: .sortedKeys)
      })
  }

  /// What is wrong with the files that are there, whatever came before: half a file under a final name, or one that
  /// is left over.
  func damage() -> String? {
    for name in names {
      do {
        if name.hasSuffix(".partial") { return "\(name) is left over" }
        try check(folder.appending(path: name))
      } catch {
        return "\(name) is damaged: \(error)"
      }
    }
    return nil
  }

  private func check(_ file: URL) throws {
    switch file.pathExtension {
    case "safetensors": _ = try Safetensors.read(file)
    case "yaml": _ = try Configuration.load(file: file)
    case "json":
      if file.lastPathComponent.hasPrefix("recording") { _ = try Recording(file.deletingLastPathComponent()) }
      _ = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    case "jsonl":
      for line in try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")) {
        _ = try JSONSerialization.jsonObject(with: line)
      }
    case "md", "csv":
      guard try Data(contentsOf: file).last == UInt8(ascii: "\n") else { throw Failure("its last line has no end") }
    default:
      guard file.lastPathComponent == Outcome.lock else { throw Failure("nobody should have written it") }
    }
  }
}
