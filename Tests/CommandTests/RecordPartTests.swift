// Recordings by several processes through the built command: dealt out, killed, checked, mended.

import Foundation
import TestSupport
import Testing

@Suite struct RecordPartTests {
  private let scratch: TestFolder
  /// 160 batches, three shards.
  private let arguments = ["record", "small.yaml", "--epochs", "8"]
  private let shards = [
    "00000000-00000063.safetensors", "00000064-00000127.safetensors", "00000128-00000159.safetensors",
  ]

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try scratch.write("extends: student.yaml\ntraining: {batch_size: 8}\nlosses: {hint: null}\n", to: "small.yaml")
    let teacher = try run(["train", "teacher.yaml", "--quiet"])
    #expect(teacher.status == 0, "\(teacher.errors)")
  }

  private func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Child.Finished {
    try start(arguments, environment).wait()
  }

  private func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Child {
    try Child(Command.binary(), arguments, in: scratch.url, environment: environment)
  }

  private func record(_ part: String, _ environment: [String: String] = [:]) throws -> Child.Finished {
    try run(arguments + ["--out", "tape", "--part", part, "--quiet"], environment)
  }

  private func files(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.url.appending(path: folder).path)
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try scratch.bytes("\(folder)/\($0)")) })
  }

  @Test func partsGiveTheFolderOfOneProcess() throws {
    let one = try run(arguments + ["--out", "whole"])
    #expect(one.status == 0, "\(one.errors)")
    let whole = try files("whole")
    #expect(whole.keys.sorted() == shards + ["recording.json"])

    // The second part first, in an array that is counted from 5.
    let slurm = [
      "SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_MAX": "6",
      "SLURM_ARRAY_TASK_COUNT": "2",
    ]
    let second = try record("auto", slurm)
    #expect(second.status == 0, "\(second.errors)")
    #expect(
      second.output == "part 2 of 2: 64 of its 64 batches recorded now; part 1 is not finished, 96 of 160 "
        + "batches are missing\n", "\(second.output)")
    #expect(try files("tape").keys.sorted() == [shards[1], "recording-unfinished.json"])
    let early = try run(["distill", "small.yaml", "--out", "x", "--set", "teacher={recording: tape}"])
    #expect(early.errors.contains("96 of 160 batches are missing, from epoch 1, batch 1 on"), "\(early.errors)")

    // The first one is stopped in its midst, killed anywhere, and then given twice at once.
    let first = arguments + ["--out", "tape", "--part", "auto/2"]
    let kubernetes = ["JOB_COMPLETION_INDEX": "0"]
    let stopped = try start(first, kubernetes)
    while stopped.isRunning, !scratch.has("tape/\(shards[0])") { usleep(500) }
    stopped.send(SIGINT)
    let interrupted = stopped.wait()
    if interrupted.status != 0 {
      #expect(interrupted.status == 130)
      #expect(interrupted.errors.contains("kindred record small.yaml --out tape --epochs 8 --part auto/2"))
      #expect(!scratch.has("tape/\(shards[2])"))
    }
    let killed = try start(first, kubernetes)
    usleep(.random(in: 50_000...1_000_000))
    killed.send(SIGKILL)
    _ = killed.wait()
    for twin in try (0..<2).map({ _ in try start(first + ["--quiet"], kubernetes) }).map({ $0.wait() }) {
      #expect(twin.status == 0 && twin.output.contains("the recording is complete\n"), "\(twin.errors) \(twin.output)")
    }
    #expect(try files("tape") == whole)
    // Given again, it is still the same.
    let again = try record("3/3")
    #expect(again.status == 0 && again.output.contains("0 of its 32 batches recorded now; the recording is complete"))
    #expect(try files("tape") == whole)
  }

  @Test func whatDoesNotBelongIsRefused() throws {
    #expect(try record("1/3").status == 0)
    let other = try run(arguments + ["--out", "tape", "--part", "2/3", "--set", "training.batch_size=16"])
    #expect(other.status == 1 && other.errors.contains("recorded for batch size 8, now 16"), "\(other.errors)")
    let single = try run(arguments + ["--out", "tape"])
    #expect(single.status == 1 && single.errors.contains("tape holds a recording; go on with --resume"))
    let lost = try record("auto")
    #expect(lost.status == 1 && lost.errors.contains("neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX"))
    for (arguments, problem) in [
      (["record", "small.yaml"], "Missing expected argument '--out <out>'"),
      (["record", "--out", "x"], "Missing expected argument '<config>'"),
      (["record", "small.yaml", "--check", "tape"], "it takes no CONFIG"),
    ] {
      let refused = try run(arguments)
      #expect(refused.status == 64 && refused.errors.contains(problem), "\(refused.errors)")
    }
  }

  @Test func aCheckTellsWhatIsWrongAndResumingMendsIt() throws {
    func check(_ options: String...) throws -> Child.Finished { try run(["record", "--check", "tape"] + options) }
    #expect(try run(arguments + ["--out", "tape", "--quiet"]).status == 0)
    let whole = try files("tape")
    let sound = try check()
    #expect(sound.status == 0 && sound.errors.isEmpty)
    #expect(
      sound.output == "resnet-8: logits, similarity.stage3 of 8 epochs, 160 batches, 92.2 kB\n", "\(sound.output)")

    var bytes = try [UInt8](scratch.bytes("tape/\(shards[0])"))
    bytes[bytes.count - 1] ^= 1
    try scratch.write(bytes, to: "tape/\(shards[0])")
    try scratch.write([UInt8](whole[shards[1]]?.dropLast() ?? Data()), to: "tape/\(shards[1])")
    try FileManager.default.removeItem(at: scratch.url.appending(path: "tape/\(shards[2])"))
    try scratch.write("", to: "tape/00000000-00000004.safetensors")
    let found = try check()
    #expect(found.status == 1)
    let lines = found.output.split(separator: "\n").map(String.init)
    #expect(lines[0] == "missing    batches 128 to 159 (epoch 7, batch 9 to epoch 8, batch 20)", "\(found.output)")
    #expect(lines[1] == "damaged    batch 9 (epoch 1, batch 10): the checksum of similarity.stage3 is wrong")
    #expect(lines[2].hasPrefix("damaged    batches 64 to 127 (epoch 4, batch 5 to epoch 7, batch 8): is truncated"))
    #expect(lines[3] == "left over  00000000-00000004.safetensors")
    #expect(lines.last == "complete it with: kindred record CONFIG --out tape --epochs 8 --resume")
    struct Report: Decodable {
      struct Batches: Decodable { let first, last: [String: Int] }
      let isSound: Bool
      let missing, damaged: [Batches]
    }
    let report = try JSONDecoder().decode(Report.self, from: Data(check("--json").output.utf8))
    #expect(!report.isSound && report.missing.count == 1 && report.damaged.count == 2)
    #expect(report.missing[0].first == ["batch": 128, "epoch": 7, "batchOfEpoch": 9])

    let mended = try run(arguments + ["--out", "tape", "--resume"])
    #expect(mended.status == 0, "\(mended.errors)")
    #expect(
      mended.errors.contains(
        "warning: 65 batches are damaged, from epoch 1, batch 10 on (the checksum of similarity.stage3 is wrong); "
          + "recording what is damaged again"), "\(mended.errors)")
    #expect(try files("tape") == whole && check().status == 0)
    let nothing = try run(["record", "--check", "runs"])
    #expect(nothing.status == 1 && nothing.errors.contains("runs: there is no recording here (no recording.json)"))
  }
}
