// What TensorBoard itself reads of runs, those that were killed in their midst too.

import Foundation
import GoldenFiles
import TestSupport
import Testing

@Suite(.enabled(if: Python.obstacle == nil, Comment(rawValue: Python.obstacle ?? "")))
struct TensorBoardTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder(TinyRuns.files()) }

  private func train(_ arguments: String...) throws {
    let run = try Command.start(["train", "plain.yaml", "--quiet"] + arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(run.errors)")
  }

  /// The scalars of each tag by step, each step once and in order.
  private func scalars(_ run: String) throws -> [String: [Int: Double]] {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Golden/read_events.py")
    let file = scratch.url.appending(path: "scalars.json")
    try Python.run([script.standardizedFileURL.path, scratch.url.appending(path: "\(run)/tensorboard").path, file.path])
    let read = try JSONDecoder().decode([String: [[Double]]].self, from: Data(contentsOf: file))
    return read.mapValues { events in
      #expect(events.map { $0[0] } == events.map { $0[0] }.sorted(), "\(run)")
      return Dictionary(events.map { (Int($0[0]), $0[1]) }) { first, _ in
        Issue.record("\(run): a step that is there twice")
        return first
      }
    }
  }

  /// What does not depend on the machine's haste.
  private func same(_ scalars: [String: [Int: Double]]) -> [String: [Int: Double]] {
    scalars.filter { $0.key != "train/images_per_second" }
  }

  @Test func aKilledRunGoesOnWithoutAGapAndWithoutAStepTwice() throws {
    try train("--out", "whole", "--tensorboard")
    let whole = try scalars("whole")
    #expect(whole["batch/loss"]?.keys.sorted() == Array(1...15))
    let lines = try scratch.text("whole/metrics.jsonl").split(separator: "\n")
    for (index, line) in lines.enumerated() {
      let report = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let terms = try #require(report["terms"] as? [String: Double])
      for (tag, value) in [
        ("evaluation/accuracy_percent", report["accuracyPercent"]), ("evaluation/loss", report["evaluationLoss"]),
        ("train/learning_rate", report["learningRate"]), ("train/images_per_second", report["imagesPerSecond"]),
        ("train/accuracy_percent", report["trainingAccuracyPercent"]), ("train/loss", terms["loss"]),
        ("train/cross_entropy", terms["cross_entropy"]), ("epoch", report["epoch"]),
      ] {
        #expect(whole[tag]?[5 * (index + 1)] == (value as? Double).map { Double(Float($0)) }, "\(tag)")
      }
    }
    try Command.kill(
      ["train", "plain.yaml", "--quiet", "--out", "killed", "--tensorboard"], in: scratch,
      onceThereIs: "killed/metrics.jsonl")
    // As a kill in the midst of writing an event leaves it.
    let first = scratch.url.appending(path: "killed/tensorboard/events.out.tfevents.0000000001.kindred")
    let handle = try FileHandle(forWritingTo: first)
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([40, 0, 0]))
    try train("--out", "killed", "--tensorboard", "--resume")
    #expect(try same(scalars("killed")) == same(whole))
  }

  /// What went before is there as far as the metrics have it.
  @Test func aRunThatIsLoggedFromItsMidstHasItsBeginning() throws {
    try train("--out", "whole", "--tensorboard")
    try Command.kill(
      ["train", "plain.yaml", "--quiet", "--out", "late"], in: scratch, onceThereIs: "late/checkpoint.safetensors")
    #expect(!scratch.has("late/tensorboard"))
    try train("--out", "late", "--tensorboard", "--resume")
    let (late, whole) = (try same(scalars("late")), try same(scalars("whole")))
    #expect(late.filter { $0.key != "batch/loss" } == whole.filter { $0.key != "batch/loss" })
  }

  @Test func ofSeveralProcessesOneLogs() throws {
    let run = try Command.run(
      "compare", "plain.yaml", "--seeds", "1", "--quiet", "--tensorboard", "--processes", "2", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try scratch.folder("runs/plain/seed-1/tensorboard").contents.count == 1)
    #expect(try scalars("runs/plain/seed-1")["batch/loss"]?.count == 15)
  }
}

extension URL {
  fileprivate var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path) }
  }
}
