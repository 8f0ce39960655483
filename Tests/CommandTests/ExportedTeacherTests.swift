// Whole runs of the built command with a teacher from elsewhere.

import Foundation
import GoldenFiles
import TestSupport
import Testing

private let needsPyTorch = ConditionTrait.enabled(
  if: ExportedFiles.obstacle == nil, Comment(rawValue: ExportedFiles.obstacle ?? ""))

@Suite struct ExportedTeacherRunTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try FileManager.default.copyItem(
      at: try Golden.file("teacher", "pt"), to: scratch.url.appending(path: "teacher.pt"))
    try scratch.write(
      """
      extends: plain.yaml
      teacher: {exported: teacher.pt, outputs: {features: embedding, maps: late}}
      losses:
        sp: {weight: auto, calibration_batches: 2, layers: [{student: stage3, teacher: features}]}
      """, to: "sp.yaml")
  }

  /// The teacher has 7 classes, of which the configuration says nothing; the student 10.
  @Test func similaritiesNeedNoClasses() throws {
    let run = try Command.run("distill", "sp.yaml", "--out", "run", "--quiet", "--json", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    #expect(result["teacher"] as? String == "teacher.pt")
    #expect(try #require((result["lossWeights"] as? [String: Double])?["sp"]) > 0)
    let log = String(decoding: try scratch.bytes("run/metrics.jsonl"), as: UTF8.self)
    #expect(log.contains("\"sp\":"))
  }

  /// A teacher that was exported in training mode, or is broken, is refused by name before anything is written.
  @Test(
    needsPyTorch,
    arguments: [
      ("dropout.pt", "gives another 'maps' when it is asked again about the same inputs; exported in training mode?"),
      ("statistics.pt", "gives another 'maps' for an input when other inputs stand beside it; exported in training"),
      ("broken.pt", "gives 'maps' with NaN or infinity in it for the run's first batch"),
    ])
  func aTeacherThatCannotTeachIsRefused(file: String, problem: String) throws {
    try FileManager.default.copyItem(at: ExportedFiles.file(file), to: scratch.url.appending(path: file))
    let teacher = "teacher={exported: \(file), outputs: {maps: late, logits: logits}}"
    for layers in ["auto", "1.0"] {
      let losses = "losses={sp: {weight: \(layers), layers: [{student: stage3, teacher: maps}]}}"
      for command in ["distill", "record"] {
        let run = try Command.run(
          command, "sp.yaml", "--out", "out", "--quiet", "--set", teacher, "--set", losses, in: scratch.url)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Error: teacher: \(file) \(problem)"), "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count == 1 && !scratch.has("out"))
      }
    }
  }

  @Test func inspectShowsWhatTheFileGives() throws {
    let run = try Command.run("inspect", "sp.yaml", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    for line in [
      "logits      32 x 7", "early       32 x 4 x 32 x 32", "late        32 x 6 x 16 x 16  maps",
      "embedding   32 x 6            features",
    ] {
      #expect(run.output.contains(line + "\n"), "\(run.output)")
    }
    #expect(run.output.contains("maps           –             6 x 16 x 16\n"), "\(run.output)")
  }

  @Test(
    arguments: [
      (
        "losses={kd: {}}",
        "losses.kd: needs logits, and teacher.outputs does not say where they lie in teacher.pt: outputs: {logits: 0}"
      ),
      (
        "teacher.outputs={logits: logits, features: embedding}\nlosses.kd={}",
        "losses.kd: needs a teacher with the student's 10 classes, but teacher.pt has 7"
      ),
      ("teacher.outputs={features: embeding}", "teacher.outputs.features: there is no output 'embeding'"),
      ("teacher.outputs={features: embeding}", "did you mean 'embedding'?"),
      (
        "losses.sp.layers=[{student: stage3, teacher: feature}]",
        "teacher.pt has no tap 'feature'; did you mean 'features'?"
      ),
      (
        "losses={at: {layers: [{student: stage3, teacher: features}]}}",
        "losses.at.layers: at compares square maps, but the teacher's features has shape [6]"
      ),
      (
        "losses={sp: {}}",
        "losses.sp.layers: teacher.pt names no stages (stage1, stage2 and so on); say what is compared, such as layers: "
          + "[{student: stage3, teacher: features}]; it has features, maps"
      ),
      ("teacher.exported=none.pt", "teacher.exported: none.pt: there is no such file"),
      ("teacher.exported=sp.yaml", "teacher.exported: sp.yaml: is damaged, or neither a TorchScript file"),
    ]) func aTeacherThatDoesNotFitIsRefusedBeforeAnythingIsWritten(settings: String, reason: String) throws
  {
    let sets = settings.split(separator: "\n").flatMap { ["--set", String($0)] }
    let run = try Command.start(["distill", "sp.yaml", "--out", "run", "--quiet"] + sets, in: scratch.url).wait()
    #expect(run.status == 1)
    #expect(run.errors.contains(reason), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    #expect(!scratch.has("run"))
  }

  /// What the file gives shows only when it runs: every compared run is held against that before one is recorded for all.
  @Test func compareRefusesARunThatTheTeacherDoesNotFit() throws {
    try scratch.write(
      "extends: sp.yaml\nlosses: {sp: {layers: [{student: stage3, teacher: feature}]}}\n", to: "bad.yaml")
    let run = try Command.run("compare", "sp.yaml", "bad.yaml", "--seeds", "1", "--quiet", in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors.contains("teacher.pt has no tap 'feature'; did you mean 'features'?"), "\(run.errors)")
    #expect(!scratch.has("runs"))
  }

  /// Where the configuration names no layers, a run writes down which they were: by these it is known again, also when the
  /// file is gone.
  @Test func theUsualLayersAreThoseThatTheFileNames() throws {
    try scratch.write(
      "extends: plain.yaml\nteacher: {exported: teacher.pt, outputs: {stage4: late}}\nlosses: {sp: {weight: 1}}\n",
      to: "usual.yaml")
    let distill = ["distill", "usual.yaml", "--out", "run", "--quiet"]
    let named = "losses.sp.layers=[{student: stage3, teacher: stage4}]"
    let run = try Command.start(distill + ["--set", named], in: scratch.url).wait()
    #expect(run.status == 0, "\(run.errors)")
    let inspected = try Command.run("inspect", "usual.yaml", in: scratch.url)
    #expect(inspected.output.contains("stage3   stage4\n"), "\(inspected.output)")
    #expect(try Command.start(distill + ["--resume"], in: scratch.url).wait().status == 0)
    let other = "teacher.outputs={stage4: late, stage5: late}"
    let refused = try Command.start(distill + ["--resume", "--set", other], in: scratch.url).wait()
    #expect(refused.status == 1 && refused.errors.contains("holds another run"), "\(refused.errors)")
    try FileManager.default.removeItem(at: scratch.url.appending(path: "teacher.pt"))
    let again = try Command.start(distill + ["--resume"], in: scratch.url).wait()
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test func aRecordingOfItTeachesTheSame() throws {
    let live = try Command.run("distill", "sp.yaml", "--out", "live", "--quiet", in: scratch.url)
    #expect(live.status == 0, "\(live.errors)")
    let recording = try Command.run("record", "sp.yaml", "--out", "recording", "--quiet", in: scratch.url)
    #expect(recording.status == 0, "\(recording.errors)")
    try scratch.write(
      """
      extends: plain.yaml
      teacher: {recording: recording}
      losses:
        sp: {weight: auto, calibration_batches: 2, layers: [{student: stage3, teacher: features}]}
      """, to: "replay.yaml")
    let replay = try Command.run("distill", "replay.yaml", "--out", "replay", "--quiet", in: scratch.url)
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try scratch.bytes("live/weights.safetensors") == scratch.bytes("replay/weights.safetensors"))
  }

  @Test func stoppedAndResumedGivesTheSameBytes() throws { try stopAndResume("teacher.pt") }

  @Test(needsPyTorch)
  func aPackageStoppedAndResumedGivesTheSameBytes() throws {
    try FileManager.default.copyItem(
      at: try ExportedFiles.file("dictionary.pt2"), to: scratch.url.appending(path: "teacher.pt2"))
    try stopAndResume("teacher.pt2")
  }

  private func stopAndResume(_ teacher: String) throws {
    let settings = ["distill", "sp.yaml", "--quiet", "--set", "teacher.exported=\(teacher)", "--out"]
    let whole = try Command.start(settings + ["whole"], in: scratch.url).wait()
    #expect(whole.status == 0, "\(whole.errors)")
    let run = try Command.start(settings + ["stopped"], in: scratch.url)
    while run.isRunning, !scratch.has("stopped/config.yaml") { usleep(1_000) }
    run.send(SIGINT)
    #expect(run.wait().status == 130)
    #expect(!scratch.has("stopped/result.json"))
    let resumed = try Command.start(settings + ["stopped", "--resume"], in: scratch.url).wait()
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("stopped/weights.safetensors"))
  }

  @Test(needsPyTorch)
  func aPackageForAnotherBatchSizeIsRefused() throws {
    try FileManager.default.copyItem(
      at: try ExportedFiles.file("static.pt2"), to: scratch.url.appending(path: "static.pt2"))
    let settings = ["distill", "sp.yaml", "--out", "run", "--quiet", "--set", "teacher.exported=static.pt2"]
    let run = try Command.start(settings, in: scratch.url).wait()
    #expect(run.status == 1)
    #expect(
      run.errors
        == "Error: teacher.exported: static.pt2: takes batches of exactly 4 inputs, not 32; use exactly 4, or export it "
        + "for 32\n")
    #expect(!scratch.has("run"))
    let small = settings + ["--set", "training.batch_size=4", "--set", "training.epochs=1"]
    let fitting = try Command.start(small, in: scratch.url).wait()
    #expect(fitting.status == 0, "\(fitting.errors)")
    // 150 images in batches of 4 leave 2 over.
    let last = small + ["--set", "training.drop_last=false", "--set", "data.train_images=150"]
    let odd = try Command.start(last, in: scratch.url).wait()
    #expect(odd.errors.contains("takes batches of exactly 4 inputs, not 2"), "\(odd.errors)")
  }
}
