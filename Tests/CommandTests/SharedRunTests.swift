// Runs over several processes through the built command: what they leave, how they end, and what is refused.

import Foundation
import KindredExperiments
import TestSupport
import Testing
import Torch

@Suite struct SharedRunTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try scratch.write("extends: student.yaml\ntraining: {schedule: {name: constant}}\n", to: "constant.yaml")
    try scratch.write("extends: constant.yaml\ntraining: {epochs: 200}\n", to: "long.yaml")
    let teacher = try Command.run("train", "teacher.yaml", "--quiet", in: scratch.url)
    try #require(teacher.status == 0, "\(teacher.errors)")
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  private func weights(_ run: String) throws -> Data { try scratch.bytes("runs/\(run)/weights.safetensors") }

  private func losses(_ run: String) throws -> [Double] {
    try scratch.text("runs/\(run)/metrics.jsonl").split(separator: "\n").map { line in
      try #require(try JSONDecoder().decode(LoggedEpoch.self, from: Data(line.utf8)).terms["loss"])
    }
  }

  private func expectNear(_ run: String, _ expected: [Double], within tolerance: Double) throws {
    let found = try losses(run)
    #expect(found.count == expected.count)
    #expect(zip(found, expected).allSatisfy { abs($0 / $1 - 1) < tolerance }, "\(found) \(expected)")
  }

  /// Starts the ranks of a run as a launcher without a store would.
  private func ranks(_ count: Int, of size: Int, _ arguments: [String]...) throws -> [Child] {
    let port = try TCPStore(serving: "127.0.0.1").port
    return try (0..<count).map { rank in
      try Child(
        try Command.binary(), arguments[min(rank, arguments.count - 1)], in: scratch.url,
        environment: [
          "RANK": "\(rank)", "WORLD_SIZE": "\(size)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
        ])
    }
  }

  /// With the norms synchronised a run is that of one process, to rounding; with the same number of them it has the same bytes.
  @Test func aRunIsTheSameInSeveralProcesses() throws {
    let settings = ["distill", "constant.yaml", "--quiet", "--set", "training.sync_batch_norm=true"]
    for (name, processes) in [("one", 1), ("two", 2), ("again", 2), ("three", 3)] {
      let ended = try Command.start(
        settings + ["--out", "runs/\(name)", "--processes", "\(processes)"], in: scratch.url
      ).wait()
      try #require(ended.status == 0, "\(ended.errors)")
    }
    #expect(try weights("two") == weights("again"))
    let alone = try losses("one")
    for name in ["two", "three"] {
      try expectNear(name, alone, within: 1e-3)
    }
  }

  /// A checkpoint does not know how many processes wrote it: two epochs in two, the third in one, and the reverse.
  @Test func aRunGoesOnInAnotherNumber() throws {
    for (name, first, second) in [("shrunk", "2", "1"), ("grown", "1", "2"), ("same", "2", "2"), ("whole", "2", "")] {
      let out = ["distill", "constant.yaml", "--quiet", "--out", "runs/\(name)"]
      let epochs = second.isEmpty ? "3" : "2"
      let begun = try Command.start(out + ["--epochs", epochs, "--processes", first], in: scratch.url).wait()
      try #require(begun.status == 0, "\(begun.errors)")
      guard !second.isEmpty else { continue }
      let ended = try Command.start(out + ["--resume", "--processes", second], in: scratch.url).wait()
      try #require(ended.status == 0, "\(ended.errors)")
    }
    #expect(try weights("same") == weights("whole"))
    let whole = try losses("whole")
    for name in ["shrunk", "grown"] {
      try expectNear(name, whole, within: 0.1)
    }
  }

  /// A stop that the launcher is asked for is saved once and ends all of them.
  @Test func aStopEndsAll() throws {
    let process = try Command.start(
      ["distill", "long.yaml", "--out", "runs/stopped", "--processes", "2"], in: scratch.url)
    while process.isRunning, !scratch.has("runs/stopped/checkpoint.safetensors") { usleep(1_000) }
    process.send(SIGTERM)
    let ended = process.wait()
    #expect(ended.status == 130)
    #expect(ended.errors.contains("stopped and saved; go on with: kindred distill long.yaml"))
    #expect(ended.errors.contains("--processes 2 --resume"))
  }

  /// The others end too, and say who is gone.
  @Test func aKilledRankIsNamed() throws {
    let children = try ranks(2, of: 2, ["distill", "long.yaml", "--out", "runs/killed", "--quiet"])
    while children[1].isRunning, !scratch.has("runs/killed/checkpoint.safetensors") { usleep(1_000) }
    children[1].send(SIGKILL)
    let ended = children.map { $0.wait() }
    #expect(ended[0].status == 1 && ended[0].errors == "Error: rank 1 of 2 does not answer any more\n")
  }

  @Test func aRankThatNeverComesIsNamed() throws {
    let children = try ranks(
      2, of: 3, ["distill", "constant.yaml", "--out", "runs/waiting", "--quiet", "--process-timeout", "15"])
    for child in children {
      let ended = child.wait()
      #expect(ended.status == 1 && ended.errors == "Error: rank 2 of 3 has not come within 15 s\n")
    }
    #expect(!scratch.has("runs/waiting"))
  }

  @Test func anotherConfigurationIsRefused() throws {
    let out = ["--out", "runs/other", "--quiet"]
    let children = try ranks(
      2, of: 2, ["distill", "constant.yaml"] + out, ["distill", "constant.yaml", "--epochs", "4"] + out)
    for child in children {
      let ended = child.wait()
      #expect(ended.status == 1 && ended.errors.contains("has another configuration than rank 0"), "\(ended.errors)")
    }
    #expect(!scratch.has("runs/other"))
  }

  /// What is refused in all processes is said by one.
  @Test func aRefusalIsSaidOnce() throws {
    let ended = try run("distill", "constant.yaml", "--quiet", "--processes", "3", "--set", "training.batch_size=4")
    #expect(ended.status == 1)
    #expect(
      ended.errors.split(separator: "\n").count == 1 && ended.errors.contains("training.batch_size"), "\(ended.errors)")
  }

  @Test func aTakenPortIsNamed() throws {
    let taken = try TCPStore(serving: "127.0.0.1")
    let child = try Child(
      try Command.binary(), ["distill", "constant.yaml", "--quiet"], in: scratch.url,
      environment: ["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(taken.port)"])
    let ended = child.wait()
    #expect(ended.status == 1 && ended.errors.hasPrefix("Error: port \(taken.port) is taken on this machine"))
  }

  /// A comparison of two methods, and a recording, by two processes.
  @Test func comparisonsAndRecordingsAreShared() throws {
    try scratch.write(
      """
      base: {extends: constant.yaml}
      rows:
        all: {}
        local: {losses: {sp: {scope: local}}}
      """, to: "study.yaml")
    let compared = try run("compare", "study.yaml", "--seeds", "1", "--processes", "2")
    try #require(compared.status == 0, "\(compared.errors)")
    #expect(compared.errors.contains("losses.sp.scope: local: each of 2 processes relates its own images alone"))
    #expect(compared.output.contains("local: sp related the images of each of 2 processes alone."))
    for (name, processes) in [("one", "1"), ("two", "2")] {
      let recorded = try run("record", "constant.yaml", "--out", name, "--quiet", "--processes", processes)
      try #require(recorded.status == 0, "\(recorded.errors)")
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: scratch.url.appending(path: "one").path)
    for file in files where file.hasSuffix(".safetensors") {
      #expect(try scratch.bytes("one/\(file)") == scratch.bytes("two/\(file)"))
    }
    // Replayed in two processes it is the live teacher in two.
    try scratch.write(
      "extends: plain.yaml\nlosses: {kd: {alpha: 0.5}, sp: {weight: auto, calibration_batches: 2}, hint: {weight: 0.1}}\n"
        + "teacher: {recording: two}\ntraining: {schedule: {name: constant}}\n", to: "replay.yaml")
    let replayed = try run("distill", "replay.yaml", "--quiet", "--processes", "2", "--out", "runs/replay")
    try #require(replayed.status == 0, "\(replayed.errors)")
    try expectNear("replay", losses("all/seed-1"), within: 1e-4)
  }
}
