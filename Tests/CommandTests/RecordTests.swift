// Recorded teachers through the built command: replayed, killed, resumed, refused.

import Foundation
import TestSupport
import Testing

@Suite struct RecordTests {
  private let scratch: TestFolder

  /// A student with all four kinds of loss, of a teacher that is trained, and the same student of a recording.
  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try scratch.write("extends: student.yaml\nlosses: {at: {weight: 10}}\n", to: "live.yaml")
    try scratch.write("extends: live.yaml\nteacher: {config: null, recording: tape}\n", to: "replay.yaml")
    let teacher = try run("train", "teacher.yaml", "--quiet")
    #expect(teacher.status == 0, "\(teacher.errors)")
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  private func weights(_ folder: String) throws -> Data { try scratch.bytes("\(folder)/weights.safetensors") }

  @Test func aReplayedRunIsTheLiveRunByteForByte() throws {
    let live = try run("distill", "live.yaml", "--out", "live", "--quiet")
    #expect(live.status == 0, "\(live.errors)")
    let recording = try run("record", "live.yaml", "--out", "tape")
    #expect(recording.status == 0, "\(recording.errors)")
    #expect(recording.errors.contains("3 epochs, 15 batches, 18.4 MB in all"), "\(recording.errors)")
    // Neither the teacher's weights nor its configuration are there any more.
    try FileManager.default.removeItem(at: scratch.url.appending(path: "runs"))
    try scratch.write("", to: "teacher.yaml")
    try scratch.write("extends: plain.yaml\nteacher: {recording: tape}\n\(losses)", to: "replay.yaml")
    let replay = try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try weights("live") == weights("replay"))
    // Another model seed may share the plan's.
    let other = try run("distill", "replay.yaml", "--seed", "2", "--set", "training.plan_seed=1", "--quiet")
    #expect(other.status == 0, "\(other.errors)")
  }

  /// More epochs for a finished recording, and of several losses those that are named: what is there afterwards is what would
  /// have been recorded at once.
  @Test func aFinishedRecordingGetsMoreEpochs() throws {
    let small = ["record", "live.yaml", "--losses", "kd,sp", "--set", "training.epochs=40"]
    for (out, epochs) in [("grown", "10"), ("grown", "30"), ("whole", "30")] {
      let finished = try Command.start(small + ["--out", out, "--epochs", epochs, "--resume"], in: scratch.url).wait()
      #expect(finished.status == 0, "\(finished.errors)")
      #expect(finished.output.contains("logits, similarity.stage3 of \(epochs) epochs"), "\(finished.output)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.url.appending(path: "whole").path).sorted()
    #expect(names.filter { $0.hasSuffix(".safetensors") }.count == 3, "\(names)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.url.appending(path: "grown").path).sorted() == names)
    for name in names { #expect(try scratch.bytes("grown/\(name)") == scratch.bytes("whole/\(name)"), "\(name)") }

    let fewer = try Command.start(small + ["--out", "grown", "--epochs", "20", "--resume"], in: scratch.url).wait()
    #expect(fewer.status == 1 && fewer.errors.contains("recorded for epochs 30, now 20"), "\(fewer.errors)")
    let unknown = try run("record", "live.yaml", "--losses", "kd,xx", "--out", "other")
    #expect(unknown.status == 1 && unknown.errors.contains("there is no loss 'xx'; there are "), "\(unknown.errors)")
    #expect(!scratch.has("other"))
  }

  /// Two teachers: one loss learns from the mean of both, and each has one of its own.
  @Test func severalTeachersAreRecordedAsOne() throws {
    try scratch.write([
      "other.yaml": "extends: teacher.yaml\nstudent: {network: resnet-14}\n",
      "both.yaml": """
      extends: plain.yaml
      teacher:
        - {config: teacher.yaml}
        - {network: resnet-14, weights: other}
      losses:
        kd: {alpha: 0.5}
        sp: {weight: auto, calibration_batches: 2, teacher: 1}
        sp-other: {method: sp, weight: 10, teacher: 2}
      """,
    ])
    for arguments in [["train", "other.yaml", "--out", "other"], ["distill", "both.yaml", "--out", "live"]] {
      let finished = try Command.start(arguments + ["--quiet"], in: scratch.url).wait()
      #expect(finished.status == 0, "\(finished.errors)")
    }
    let inspected = try run("inspect", "both.yaml")
    #expect(inspected.output.contains("teacher 2") && inspected.output.contains("stage3 of teacher 2"))
    let recording = try run("record", "both.yaml", "--out", "tape")
    #expect(recording.status == 0, "\(recording.errors)")
    for name in ["logits", "teacher1.similarity.stage3", "teacher2.similarity.stage3"] {
      #expect(try scratch.text("tape/recording.json").contains("\"\(name)\""), "\(name)")
    }
    try scratch.write("extends: both.yaml\nteacher: {recording: tape}\n", to: "replay.yaml")
    let replay = try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try weights("live") == weights("replay"))
    // The run's folder says both, and is another run with one of them alone.
    let again = try run("distill", "both.yaml", "--out", "live", "--resume")
    #expect(again.status == 0, "\(again.errors)")
    for (setting, problem) in [
      ("losses.sp.teacher=3", "losses.sp.teacher: there are 2 teachers"),
      ("losses.simkd={}", "losses.simkd: needs the teacher's classifier, and there are several teachers; leave one"),
      ("teacher={network: resnet-14, weights: other}", "losses.sp.teacher: there is one teacher; take it out"),
      ("teacher=[{network: resnet-14, weights: other}]", "teacher: a list is of two teachers or more"),
    ] {
      let refused = try run("distill", "both.yaml", "--out", "x", "--set", setting)
      #expect(refused.status != 0 && refused.errors.contains(problem), "\(refused.errors)")
    }
  }

  private let losses = """
    losses:
      kd: {alpha: 0.5, temperature: 4}
      sp: {weight: auto, calibration_batches: 2}
      at: {weight: 10}
      hint: {weight: 0.1}
    """

  @Test func killedAnywhereAndResumedItIsTheSameRecording() throws {
    var random = SystemRandomNumberGenerator()
    var kills = 0
    let arguments = ["record", "live.yaml", "--epochs", "40", "--out", "tape", "--quiet", "--resume"]
    var patience = 0.6
    for _ in 0..<20 {
      let process = try Command.start(arguments, in: scratch.url)
      let deadline = Date.now + Double.random(in: 0.02...patience, using: &random)
      while process.isRunning, Date.now < deadline { usleep(2_000) }
      process.send(SIGKILL)
      if process.wait().status != 0 {
        kills += 1
      } else if kills > 0 {
        break
      } else {
        // It was through before it could be killed: once more, and sooner.
        try FileManager.default.removeItem(at: scratch.url.appending(path: "tape"))
        patience = max(patience / 2, 0.03)
      }
    }
    let last = try Command.start(arguments, in: scratch.url).wait()
    #expect(last.status == 0 && kills > 0, "\(last.errors)")
    let stopped = try Command.start(["record", "live.yaml", "--out", "stopped"], in: scratch.url)
    while stopped.isRunning, !scratch.has("stopped/recording-unfinished.json") { usleep(500) }
    stopped.send(SIGINT)
    let interrupted = stopped.wait()
    if interrupted.status != 0 {
      #expect(interrupted.status == 130)
      #expect(interrupted.errors.contains("kindred record live.yaml --out stopped --resume"), "\(interrupted.errors)")
      let again = try run("record", "live.yaml", "--out", "stopped")
      #expect(again.status == 1 && again.errors.contains("--resume"), "\(again.errors)")
    }
    let live = try run("distill", "live.yaml", "--out", "live", "--quiet")
    let replay = try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(live.status == 0 && replay.status == 0, "\(live.errors) \(replay.errors)")
    #expect(try weights("live") == weights("replay"))
  }

  /// After the recorded epochs plan and signal begin again, where the configuration says so: as a live run's do.
  @Test func planAndSignalWrapRoundTogether() throws {
    let wrapped = ["--quiet", "--set", "training.plan_epochs=2"]
    #expect(try run("record", "live.yaml", "--epochs", "2", "--out", "tape", "--quiet").status == 0)
    let live = try Command.start(["distill", "live.yaml", "--out", "live"] + wrapped, in: scratch.url).wait()
    let replay = try Command.start(["distill", "replay.yaml", "--out", "replay"] + wrapped, in: scratch.url).wait()
    #expect(live.status == 0 && replay.status == 0, "\(live.errors) \(replay.errors)")
    #expect(try weights("live") == weights("replay"))
    let straight = try run("distill", "live.yaml", "--out", "straight", "--quiet")
    #expect(try straight.status == 0 && weights("straight") != weights("live"))
    let refused = try run("distill", "replay.yaml", "--out", "refused", "--quiet")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("recorded for 2 epochs, this run has 3"), "\(refused.errors)")
    #expect(refused.errors.contains("training.plan_epochs: 2"), "\(refused.errors)")
  }

  /// One recording a plan seed serves all students, of whatever network; live teachers give the same weights.
  @Test func compareRecordsOnceAndReplays() throws {
    try scratch.write(
      "extends: live.yaml\nstudent: {network: resnet-14}\nlosses: {at: null, hint: null}\n", to: "sp.yaml")
    let arguments = ["compare", "live.yaml", "sp.yaml", "--seeds", "2"]
    let recorded = try Command.start(arguments, in: scratch.url).wait()
    #expect(recorded.status == 0, "\(recorded.errors)")
    let said = recorded.errors.components(separatedBy: "the teacher is recorded once for 2 runs, 18.4 MB").count - 1
    #expect(said == 2, "\(recorded.errors)")
    #expect(recorded.output.contains("Each run orders, crops and flips its images by its own seed."))
    #expect(!scratch.has("runs/.recordings"))
    let live = try Command.start(
      arguments + ["--live", "--out", "live", "--set", "teacher.config=teacher.yaml"], in: scratch.url
    ).wait()
    #expect(live.status == 0 && !live.errors.contains("recorded once"), "\(live.errors)")
    for run in ["live/seed-1", "live/seed-2", "sp/seed-1", "sp/seed-2"] {
      #expect(try weights("runs/\(run)") == weights("live/\(run)"), "\(run)")
    }
    let shared = try Command.start(
      arguments + ["--out", "shared", "--set", "training.plan_seed=5"], in: scratch.url
    ).wait()
    #expect(shared.errors.contains("the teacher is recorded once for 4 runs"), "\(shared.errors)")
    #expect(shared.output.contains("All runs see the same batches (plan seed 5)"), "\(shared.output)")
  }

  @Test func whatDoesNotMatchIsRefusedBeforeAnythingIsWritten() throws {
    #expect(try run("record", "student.yaml", "--out", "tape", "--quiet").status == 0)
    let cases = [
      ("training.batch_size=16", "recorded for batch size 32, this run has 16"),
      ("training.seed=2", "recorded for plan seed 1, this run has 2"),
      ("data.train_images=192", "recorded for training images 160, this run has 192"),
      ("data.flip=false", "recorded for flip true, this run has false"),
      ("losses.hint=null", "this run needs attention.stage"),
    ]
    for (setting, reason) in cases {
      let refused = try run("distill", "replay.yaml", "--out", "refused", "--quiet", "--set", setting)
      #expect(refused.status == 1)
      #expect(refused.errors.contains(reason), "\(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1)
      #expect(!scratch.has("refused"))
    }
    let missing = try run("distill", "replay.yaml", "--quiet", "--set", "teacher.recording=nowhere")
    #expect(missing.status == 1 && missing.errors.contains("nowhere: there is no recording here"), "\(missing.errors)")
    let beyond = try run("record", "live.yaml", "--epochs", "9000000000000000000", "--out", "endless", "--quiet")
    #expect(beyond.status != 0 && beyond.errors.contains("--epochs is between"), "\(beyond.errors)")
    let endless = try run(
      "record", "live.yaml", "--epochs", "1000000", "--set", "data.train_images=4000", "--out", "endless", "--quiet")
    #expect(endless.status == 1 && endless.errors.contains("are free in endless"), "\(endless.errors)")
    let foreign = try run("record", "student.yaml", "--out", "runs", "--quiet")
    #expect(foreign.status == 1 && foreign.errors.contains("is not empty and holds no recording"), "\(foreign.errors)")
  }
}
