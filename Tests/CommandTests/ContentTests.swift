// What a run depends on is told by what files hold, not by where they lie.

import Foundation
import TestSupport
import Testing

@Suite struct ContentTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    #expect(try run("train", "teacher.yaml", "--quiet").status == 0)
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  private let teacher = "runs/teacher/seed-1/weights.safetensors"

  private func trainAnother() throws {
    #expect(try run("train", "teacher.yaml", "--quiet", "--seed", "7", "--out", "other").status == 0)
  }

  private func replaceTeacher() throws {
    try trainAnother()
    try scratch.bytes("other/weights.safetensors").write(to: scratch.url.appending(path: teacher))
  }

  /// Stopped in its first epoch.
  private func stoppedRun() throws {
    let run = try Command.start(["distill", "student.yaml", "--out", "out"], in: scratch.url)
    while run.isRunning, !scratch.has("out/config.yaml") { usleep(1_000) }
    run.send(SIGINT)
    #expect(run.wait().status == 130)
  }

  @Test func anotherTeacherAtTheSamePathIsRefused() throws {
    try stoppedRun()
    let config = try scratch.bytes("out/config.yaml")
    try replaceTeacher()
    let refused = try run("distill", "student.yaml", "--out", "out", "--resume", "--quiet")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("out holds another run (another teacher: there SHA-256 "), "\(refused.errors)")
    #expect(try scratch.bytes("out/config.yaml") == config)
  }

  /// Each thing that a run reads counts, whether it goes on or stands in a comparison.
  @Test(arguments: ["images", "evaluation_images", "teacher"])
  func whatARunReadIsHeldAgainstWhatIsThere(input: String) throws {
    try stoppedRun()
    #expect(try run("compare", "student.yaml", "--seeds", "1", "--quiet").status == 0)
    for folder in ["out", "runs/student/seed-1"] {
      let config = String(decoding: try scratch.bytes("\(folder)/config.yaml"), as: UTF8.self)
      let lines = config.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.hasPrefix("  \(input): ") ? "  \(input): other" : String(line)
      }
      #expect(lines.contains("  \(input): other"), "\(config)")
      try scratch.write(lines.joined(separator: "\n"), to: "\(folder)/config.yaml")
    }
    let resumed = try run("distill", "student.yaml", "--out", "out", "--resume", "--quiet")
    // A second seed is missing, so that images are loaded.
    let compared = try run("compare", "student.yaml", "--seeds", "2", "--quiet")
    for refused in [resumed, compared] {
      #expect(refused.status == 1)
      #expect(refused.errors.contains(" holds another run ("), "\(refused.errors)")
      #expect(refused.errors.contains("there SHA-256 other..."), "\(refused.errors)")
    }
    #expect(!scratch.has("runs/student/seed-2"))
  }

  /// The same file under another name is the same teacher, and the same start.
  @Test func pathsDoNotCount() throws {
    let start = "student.weights=runs/teacher/seed-1"
    let first = try run("distill", "student.yaml", "--out", "out", "--quiet", "--json", "--set", start)
    #expect(first.status == 0, "\(first.errors)")
    try scratch.bytes(teacher).write(to: scratch.url.appending(path: "copy.safetensors"))
    let again = try run(
      "distill", "student.yaml", "--out", "out", "--quiet", "--json", "--resume", "--set",
      "student.weights=copy.safetensors", "--set", "teacher={network: resnet-8, weights: copy.safetensors}")
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output == first.output)
    try trainAnother()
    let other = try run(
      "distill", "student.yaml", "--out", "out", "--quiet", "--resume", "--set", "student.weights=other")
    #expect(other.status == 1 && other.errors.contains("other weights to start from"), "\(other.errors)")
  }

  /// A project that moved as a whole goes on, from whichever folder the command is given, and gives the same bytes.
  @Test func aProjectThatMovedGoesOn() throws {
    #expect(try run("distill", "student.yaml", "--out", "whole", "--quiet").status == 0)
    try stoppedRun()
    let moved = try TestFolder()
    for name in ["plain.yaml", "teacher.yaml", "student.yaml", "runs", "out"] {
      try FileManager.default.moveItem(at: scratch.url.appending(path: name), to: moved.url.appending(path: name))
    }
    let resumed = try Command.run("distill", "student.yaml", "--out", "out", "--resume", "--quiet", in: moved.url)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try scratch.bytes("whole/weights.safetensors") == moved.bytes("out/weights.safetensors"))
    #expect(try scratch.bytes("whole/config.yaml") == moved.bytes("out/config.yaml"))
    // What the run wrote can be read back and run again, its paths counted from where it lies.
    let again = try Command.run("distill", "out/config.yaml", "--out", "again", "--quiet", in: moved.url)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try moved.bytes("out/weights.safetensors") == moved.bytes("again/weights.safetensors"))
  }

  @Test func comparedStudentsOfAnotherTeacherAreRefused() throws {
    let arguments = ["compare", "student.yaml", "--seeds", "1", "--quiet"]
    #expect(try Command.start(arguments, in: scratch.url).wait().status == 0)
    try replaceTeacher()
    let refused = try Command.start(arguments, in: scratch.url).wait()
    #expect(refused.status == 1)
    #expect(refused.errors.contains("runs/student/seed-1 holds another run (another teacher"), "\(refused.errors)")
    #expect(refused.output.isEmpty)
    // Also where the teacher is made anew before anybody looks: with another rate it is another one.
    try FileManager.default.removeItem(at: scratch.url.appending(path: "runs/teacher"))
    try scratch.write(
      "extends: plain.yaml\ntraining: {epochs: 1, optimizer: {learning_rate: 0.03}}\n", to: "teacher.yaml")
    let made = try Command.start(arguments, in: scratch.url).wait()
    #expect(made.status == 1 && made.errors.contains("(another teacher"), "\(made.errors)")
  }

  @Test func aFinishedRunNeedsNoFileAnyMore() throws {
    let first = try run("distill", "student.yaml", "--out", "out", "--quiet", "--json")
    try FileManager.default.removeItem(at: scratch.url.appending(path: "runs"))
    let again = try run("distill", "student.yaml", "--out", "out", "--quiet", "--json", "--resume")
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output == first.output)
  }

  /// Two more epochs for a finished run are those of a run that was meant to have them.
  @Test func aFinishedRunGoesOn() throws {
    let steps = "training.schedule.milestones=[2, 4]"
    #expect(try run("train", "plain.yaml", "--out", "out", "--quiet", "--set", steps).status == 0)
    let longer = ["--epochs", "5", "--quiet", "--set", steps]
    let more = try Command.start(["train", "plain.yaml", "--out", "out", "--resume"] + longer, in: scratch.url).wait()
    let whole = try Command.start(["train", "plain.yaml", "--out", "whole"] + longer, in: scratch.url).wait()
    #expect(more.status == 0 && whole.status == 0, "\(more.errors) \(whole.errors)")
    #expect(more.output.contains("of 40 textures test images"))
    for file in ["weights.safetensors", "config.yaml"] {
      #expect(try scratch.bytes("out/\(file)") == scratch.bytes("whole/\(file)"))
    }
    // Half a cosine over five epochs gave other rates than one over nine.
    let cosine = ["--quiet", "--set", "training.schedule={name: cosine}"]
    #expect(
      try Command.start(["train", "plain.yaml", "--out", "curve"] + cosine, in: scratch.url).wait().status == 0)
    let result = try scratch.bytes("curve/result.json")
    let refused = try Command.start(
      ["train", "plain.yaml", "--out", "curve", "--resume", "--epochs", "9"] + cosine, in: scratch.url
    ).wait()
    #expect(refused.status == 1)
    #expect(refused.errors.contains("curve cannot go on to 9 epochs: with 9 epochs its schedule gives epoch 2"))
    #expect(try scratch.bytes("curve/result.json") == result)
    let fewer = try run("train", "plain.yaml", "--out", "out", "--resume", "--epochs", "2", "--set", steps)
    #expect(fewer.status == 1 && fewer.errors.contains("it has 5 epochs behind it"), "\(fewer.errors)")
  }

  /// Nothing but what was there before is there after a refusal.
  @Test func aRefusalLeavesNoTrace() throws {
    try scratch.write("extends: student.yaml\nlosses: {sp: {weight: 1}, kd: null, hint: null}\n", to: "sp.yaml")
    #expect(try run("record", "sp.yaml", "--out", "tape", "--quiet").status == 0)
    let before = try names()
    let cases = [
      [
        "distill", "sp.yaml", "--out", "new/run", "--set", "teacher.precision=int8", "--set",
        "teacher.int8.largest_gram_error=0",
      ],
      ["distill", "sp.yaml", "--out", "new/run", "--set", "teacher={recording: tape}", "--seed", "9"],
      [
        "record", "sp.yaml", "--out", "new/tape", "--set", "teacher.precision=int8", "--set",
        "teacher.int8.largest_gram_error=0",
      ],
      ["train", "plain.yaml", "--out", "new/run", "--set", "student.weights=missing"],
      ["compare", "sp.yaml", "--out", "new", "--set", "teacher={network: resnet-8, weights: missing}", "--seeds", "1"],
    ]
    for arguments in cases {
      let refused = try Command.start(arguments + ["--quiet"], in: scratch.url).wait()
      #expect(refused.status == 1, "\(arguments)")
      #expect(refused.errors.hasPrefix("Error: "), "\(refused.errors)")
      #expect(try names() == before, "\(arguments)")
    }
  }

  private func names() throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: scratch.url.path))
  }

  /// Three comparisons of overlapping runs in one folder: each gives its table, and they leave the same runs behind as one.
  @Test func comparisonsShareAFolder() throws {
    try scratch.write("extends: student.yaml\nlosses: {sp: {weight: 1}, kd: null, hint: null}\n", to: "sp.yaml")
    let base = ["--seeds", "2", "--set", "training.epochs=6"]
    let rows = [["student.yaml", "sp.yaml"], ["sp.yaml", "student.yaml"], ["sp.yaml"]]
    let together = try rows.map { try Command.start(["compare"] + $0 + base, in: scratch.url) }
    for run in together.map({ $0.wait() }) {
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.hasPrefix("Accuracy in percent on 40 textures test images"))
    }
    #expect(!scratch.has("runs/.recordings"))
    let alone = try Command.start(["compare"] + rows[0] + base + ["--out", "alone"], in: scratch.url).wait()
    #expect(alone.status == 0, "\(alone.errors)")
    for run in ["student/seed-1", "student/seed-2", "sp/seed-1", "sp/seed-2"] {
      #expect(
        try scratch.bytes("runs/\(run)/weights.safetensors") == scratch.bytes("alone/\(run)/weights.safetensors"))
    }
  }
}
