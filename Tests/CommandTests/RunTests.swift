// Whole runs of the built command: interrupted, killed, resumed, refused.

import Foundation
import TestSupport
import Testing

@Suite struct RunTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
  }

  private func teacher() throws {
    let run = try Command.run("train", "teacher.yaml", "--quiet", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func killedAnywhereAndResumedGivesTheSameBytes() throws {
    try teacher()
    let whole = try Command.run("distill", "student.yaml", "--out", "whole", "--quiet", in: scratch.url)
    #expect(whole.status == 0, "\(whole.errors)")
    var random = SystemRandomNumberGenerator()
    var kills = 0
    var patience = 1.5
    for _ in 0..<40 {
      let arguments = ["distill", "student.yaml", "--out", "killed", "--quiet", "--resume"]
      let run = try Command.start(arguments, in: scratch.url)
      let deadline = Date.now + Double.random(in: 0.02...patience, using: &random)
      while run.isRunning, Date.now < deadline { usleep(5_000) }
      run.send(SIGKILL)
      if run.wait().status != 0 {
        kills += 1
      } else if kills > 0 {
        break
      } else {
        // It was through before it could be killed: once more, and sooner.
        try FileManager.default.removeItem(at: scratch.url.appending(path: "killed"))
        patience = max(patience / 2, 0.03)
      }
    }
    let last = try Command.run("distill", "student.yaml", "--out", "killed", "--quiet", "--resume", in: scratch.url)
    #expect(last.status == 0, "\(last.errors)")
    #expect(kills > 0)
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("killed/weights.safetensors"))
    #expect(try scratch.bytes("whole/config.yaml") == scratch.bytes("killed/config.yaml"))
  }

  @Test func interruptSavesInTheMidstOfAnEpochAndSaysHowToGoOn() throws {
    let whole = try Command.run("train", "plain.yaml", "--out", "whole", "--quiet", in: scratch.url)
    #expect(whole.status == 0, "\(whole.errors)")
    let run = try Command.start(["train", "plain.yaml", "--out", "stopped"], in: scratch.url)
    // The configuration is written right before the first step.
    while run.isRunning, !scratch.has("stopped/config.yaml") { usleep(1_000) }
    run.send(SIGINT)
    let stopped = run.wait()
    #expect(stopped.status == 130)
    #expect(stopped.errors.contains("kindred train plain.yaml --out stopped --resume"))
    #expect(scratch.has("stopped/checkpoint.safetensors"))
    #expect(!scratch.has("stopped/result.json"))
    let again = try Command.run("train", "plain.yaml", "--out", "stopped", "--quiet", in: scratch.url)
    #expect(again.status == 1)
    #expect(again.errors.contains("--resume"))
    let resumed = try Command.run("train", "plain.yaml", "--out", "stopped", "--resume", "--quiet", in: scratch.url)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("stopped/weights.safetensors"))
    #expect(try epochs("whole") == epochs("stopped"))
  }

  /// The metrics without the speed, which is no function of the configuration.
  private func epochs(_ folder: String) throws -> [[String: Double]] {
    try String(decoding: scratch.bytes("\(folder)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map { line in
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let terms = try #require(object["terms"] as? [String: Double])
      let numbers = object.compactMapValues { $0 as? Double }.filter { $0.key != "imagesPerSecond" }
      return terms.merging(numbers) { own, _ in own }
    }
  }

  @Test func anotherRunIsNeverWrittenOver() throws {
    try teacher()
    let before = try scratch.bytes("runs/teacher/seed-1/weights.safetensors")
    let other = try Command.run(
      "train", "plain.yaml", "--out", "runs/teacher/seed-1", "--resume", "--quiet", in: scratch.url)
    #expect(other.status == 1)
    #expect(other.errors.contains("holds another run"))
    try FileManager.default.createDirectory(at: scratch.url.appending(path: "mine"), withIntermediateDirectories: true)
    try scratch.write("precious", to: "mine/notes.txt")
    let foreign = try Command.run("train", "plain.yaml", "--out", "mine", "--quiet", in: scratch.url)
    #expect(foreign.status == 1)
    #expect(foreign.errors.contains("is not empty"))
    #expect(try scratch.bytes("runs/teacher/seed-1/weights.safetensors") == before)
  }

  @Test func aLossThatIsNotFiniteStopsTheRun() throws {
    let run = try Command.run(
      "train", "plain.yaml", "--out", "bad", "--quiet", "--set", "training.optimizer.learning_rate=1.0e+30",
      in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors.contains("the loss is not finite in epoch 1, step 2: 'cross_entropy'"), "\(run.errors)")
    #expect(run.errors.contains("no checkpoint was made before it"), "\(run.errors)")
    #expect(!scratch.has("bad/weights.safetensors"))
  }

  @Test func compareTrainsWhatIsMissingAndTabulatesIt() throws {
    let arguments = ["compare", "plain.yaml", "student.yaml", "--seeds", "2", "--json"]
    let first = try Command.start(arguments, in: scratch.url, reporting: true).wait()
    #expect(first.status == 0, "\(first.errors)")
    let weights = try scratch.bytes("runs/student/seed-2/weights.safetensors")
    let second = try Command.start(arguments, in: scratch.url, reporting: true).wait()
    #expect(second.output == first.output)
    #expect(second.errors.contains("student seed 2: finished before"))
    #expect(try scratch.bytes("runs/student/seed-2/weights.safetensors") == weights)
    let table = try #require(try JSONSerialization.jsonObject(with: Data(first.output.utf8)) as? [String: Any])
    let rows = try #require(table["methods"] as? [[String: Any]])
    #expect(rows.map { $0["method"] as? String } == ["teacher", "plain", "student"])
    let accuracies = try (1...2).map { try accuracy("runs/plain/seed-\($0)") }
    #expect(rows[1]["accuraciesPercent"] as? [Double] == accuracies)
    // Of 40 images each is 2.5 %.
    #expect(accuracies.allSatisfy { ($0 / 2.5).rounded() * 2.5 == $0 })
    for name in ["runs/table.csv", "runs/table.json"] { #expect(scratch.has(name)) }
    let setting =
      "Accuracy in percent on 40 textures test images, 160 training images, 3 epochs, 2 seeds: mean and sample standard "
      + "deviation."
    #expect(table["setting"] as? String == setting)
    #expect(try scratch.text("runs/table.md").hasPrefix("\(setting)\n\n| method"))
    #expect(
      try scratch.text("runs/table.md").contains("```sh\nkindred compare plain.yaml student.yaml --seeds 2 --json\n"))
    #expect(try scratch.text("runs/table.tex").contains("\\caption{\(setting) "))
  }

  @Test func aTeacherThatIsComparedIsNoBaseline() throws {
    let arguments = ["compare", "teacher.yaml", "plain.yaml", "student.yaml", "--seeds", "1", "--json", "--quiet"]
    let other = try Command.start(arguments + ["--epochs", "2"], in: scratch.url).wait()
    #expect(other.status == 1)
    #expect(other.errors.contains("runs/teacher/seed-1 would hold two different runs"), "\(other.errors)")
    #expect(!scratch.has("runs"))
    let run = try Command.start(arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(run.errors)")
    let table = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let rows = try #require(table["methods"] as? [[String: Any]])
    #expect(rows.map { $0["role"] as? String } == ["teacher", "baseline", "student"])
  }

  @Test func aStudyIsInspectedAndCompared() throws {
    try scratch.write(
      """
      base: {extends: plain.yaml, teacher: {config: teacher.yaml}, training: {epochs: 1}}
      seeds: 2
      rows:
        plain: {teacher: null}
        sp: {losses: {sp: {weight: {sweep: [10, 100]}}}, published: 12.5}
      """, to: "study.yaml")
    let inspected = try Command.run("inspect", "study.yaml", in: scratch.url)
    #expect(inspected.status == 0, "\(inspected.errors)")
    for words in ["sp=100", "ce + sp 100", "similarity.stage3", "7 runs.", "Time: about", "Space: about"] {
      #expect(inspected.output.contains(words), "\(words) in \(inspected.output)")
    }
    let unmeasured = try Command.run("inspect", "study.yaml", "--no-measurement", in: scratch.url)
    #expect(unmeasured.output.contains("Time: not measured.\nSpace: about"), "\(unmeasured.output)")
    #expect(!scratch.has("runs"))
    let alone = try Command.run("train", "study.yaml", in: scratch.url)
    #expect(alone.status == 1)
    #expect(
      alone.errors
        == "Error: study.yaml:3: rows: this is a study of several runs; use kindred compare study.yaml\n")
    // A study beside a configuration.
    let run = try Command.run(
      "compare", "study.yaml", "student.yaml", "--json", "--quiet", "--seeds", "2", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    let table = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let rows = try #require(table["methods"] as? [[String: Any]])
    #expect(rows.map { $0["method"] as? String } == ["teacher", "plain", "sp=10", "sp=100", "student"])
    #expect(rows.map { $0["publishedPercent"] as? Double } == [nil, nil, 12.5, 12.5, nil])
    #expect(rows.map { $0["runs"] as? Int } == [1, 2, 2, 2, 2])
    #expect(scratch.has("runs/sp=100/seed-2/result.json"))
  }

  /// A teacher's weights and its ONNX file are measured on what the students are measured on, once.
  @Test func aGivenTeacherHasARow() throws {
    try teacher()
    let export = try Command.run("export", "runs/teacher/seed-1", "--output", "teacher.onnx", in: scratch.url)
    try #require(export.status == 0, "\(export.errors)")
    try scratch.write([
      "weights.yaml": """
      extends: plain.yaml
      teacher: {network: resnet-8, weights: runs/teacher/seed-1}
      losses: {kd: {}}
      training: {epochs: 1}
      """,
      "onnx.yaml": """
      extends: plain.yaml
      teacher: {onnx: teacher.onnx}
      losses: {kd: {}}
      training: {epochs: 1}
      """,
    ])
    let arguments = ["compare", "weights.yaml", "onnx.yaml", "--seeds", "1", "--out", "given", "--json"]
    let run = try Command.start(arguments, in: scratch.url).wait()
    try #require(run.status == 0, "\(run.errors)")
    let table = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let rows = try #require(table["methods"] as? [[String: Any]])
    #expect(rows.map { $0["method"] as? String } == ["resnet-8", "teacher.onnx", "weights", "onnx"])
    let own = try accuracy("runs/teacher/seed-1")
    for row in rows.prefix(2) {
      #expect(row["role"] as? String == "teacher" && row["accuraciesPercent"] as? [Double] == [own], "\(row)")
      #expect(row["multiplyAdds"] as? Int == rows[2]["multiplyAdds"] as? Int)
    }
    let again = try Command.start(arguments, in: scratch.url).wait()
    #expect(again.output == run.output && !again.errors.contains("the teacher resnet-8"), "\(again.errors)")
  }

  @Test func heldOutAndTestImagesAreNotMixed() throws {
    try scratch.write(
      "extends: plain.yaml\ndata: {held_out_images: 40, evaluate_on: held-out}\n", to: "chosen.yaml")
    let run = try Command.run("compare", "plain.yaml", "chosen.yaml", in: scratch.url)
    #expect(run.status == 1 && !scratch.has("runs"))
    #expect(
      run.errors.contains("held-out training images (chosen) with those on test images (plain)"), "\(run.errors)")
    for name in ["plain", "chosen"] {
      let one = try Command.run("train", "\(name).yaml", "--epochs", "1", "--quiet", "--no-report", in: scratch.url)
      try #require(one.status == 0, "\(one.errors)")
    }
    let report = try Command.run("report", "runs", "--output", "page.html", "--quiet", in: scratch.url)
    #expect(report.status == 0, "\(report.errors)")
    let page = try scratch.text("page.html")
    #expect(page.contains("stand apart") && page.contains("on 40 textures held-out images"))
    #expect(page.components(separatedBy: "Accuracy in percent; the interval").count == 3)
  }

  @Test func weightsToStartFromAreCheckedBeforeAnythingIsWritten() throws {
    let missing = try Command.run("train", "plain.yaml", "--set", "student.weights=none.safetensors", in: scratch.url)
    #expect(missing.status == 1)
    #expect(missing.errors.contains("none.safetensors"))
    #expect(!scratch.has("runs"))
  }

  private func accuracy(_ folder: String) throws -> Double {
    let result = try JSONSerialization.jsonObject(with: scratch.bytes("\(folder)/result.json")) as? [String: Any]
    return try #require(result?["accuracyPercent"] as? Double)
  }

  @Test func distillingNeedsItsTeacherTrained() throws {
    let run = try Command.run("distill", "student.yaml", "--quiet", in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors.contains("kindred train teacher.yaml --out runs/teacher/seed-1"))
    #expect(!scratch.has("runs"))
  }

  @Test func mistakesInAFileAreRefusedWithTheirLine() throws {
    try scratch.write("data: {set: textures}\nstudent: {network: resnet-8}\ntraining:\n  epocs: 3\n", to: "bad.yaml")
    let run = try Command.run("train", "bad.yaml", in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors == "Error: bad.yaml:4: training.epocs: unknown key; did you mean 'epochs'?\n")
  }

  @Test func damagedFilesAreRefused() throws {
    try teacher()
    let weights = scratch.url.appending(path: "runs/teacher/seed-1/weights.safetensors")
    try Data(contentsOf: weights).prefix(1000).write(to: weights)
    let run = try Command.run("distill", "student.yaml", "--quiet", in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors.contains("weights.safetensors: is truncated"), "\(run.errors)")
  }
}
