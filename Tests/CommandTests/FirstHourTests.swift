// From a folder of images to a trained and exported student by `init`, `match`, `run` and `watch`, and what they say of what
// cannot be.

import Foundation
import Graph
import KindredVision
import TestSupport
import Testing

@Suite struct FirstHourTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder()
    try scratch.drawPhotographs(120)
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let finished = try Command.start(arguments, in: scratch.url, reporting: true).wait()
    #expect(finished.status == 0, "\(finished.errors)")
    return finished
  }

  private func refusal(_ arguments: String...) throws -> String {
    let finished = try Command.start(arguments, in: scratch.url).wait()
    #expect(finished.status != 0 && finished.errors.split(separator: "\n").count == 1, "\(finished.errors)")
    return finished.errors
  }

  @Test func fromImagesToAFileThatLeaves() throws {
    let made = try run(
      "init", "study", "--images", "photos", "--teacher", "resnet-14", "--student", "400 kB", "--epochs", "1")
    #expect(made.output.contains("next: kindred run study/study.yaml"), "\(made.output)")
    #expect(made.output.contains("resnet-8: ") && made.output.contains("on this machine"), "\(made.output)")
    #expect(made.output.contains("sp compares stage3 of the student with stage3 of the teacher"))
    #expect(try scratch.text("study/study.yaml").contains("layers: [stage3]"))

    let before = try run("watch", "study/study.yaml")
    #expect(before.output.contains("0 of 4 runs finished"), "\(before.output)")
    let planned = try run("run", "study", "--dry-run")
    #expect(planned.output.contains("4 runs.") && planned.output.contains("Time: about"), "\(planned.output)")
    #expect(!scratch.has("study/runs"))
    let done = try run("run", "study", "--quiet", "--set", "training.threads=1")
    for row in ["teacher", "plain", "sp", "kd+sp"] { #expect(done.output.contains(row), "\(done.output)") }
    #expect(scratch.has("study/student.onnx") && scratch.has("study/runs/table.md") && scratch.has("study/report.html"))
    #expect(done.errors.contains("study/student.onnx is of "), "\(done.errors)")
    #expect(done.errors.contains("\nwrote study/student.onnx; "), "\(done.errors)")
    let evaluated = try run("evaluate", "study/student.onnx", "--data", "photos")
    #expect(evaluated.output.contains("accuracy"))
    let own = try run("evaluate", "study/runs/sp/seed-1", "--split", "run", "--json")
    let result = try Data(contentsOf: scratch.url.appending(path: "study/runs/sp/seed-1/result.json"))
    func accuracy(_ data: Data) throws -> Double? {
      try (JSONSerialization.jsonObject(with: data) as? [String: Any])?["accuracyPercent"] as? Double
    }
    #expect(try accuracy(Data(own.output.utf8)) == accuracy(result))
    #expect(
      try refusal("evaluate", "study/student.onnx", "--split", "run").contains("--split run is for a run's folder"))
    #expect(try run("watch", "study/runs").output.contains("4 of 4 runs finished, 4 of 4 epochs"))

    // Layers are matched with what was trained, and each is most like itself where both networks are the same.
    let same = try run(
      "match", "study/study.yaml", "--quiet", "--json", "--set", "student.network=resnet-14", "--student",
      "study/runs/teacher/seed-1")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(same.output.utf8)) as? [String: Any])
    let likeness = try #require(document["cka"] as? [[Double]])
    for (index, row) in likeness.enumerated() { #expect(abs(row[index] - 1) < 1e-6, "\(likeness)") }
    let shown = try run("match", "study/study.yaml", "--quiet")
    #expect(shown.output.contains("losses: {sp: {layers: ["), "\(shown.output)")

    #expect(try refusal("init", "study", "--images", "photos").contains("study/study.yaml is there already"))
    try scratch.write("data: [", to: "study/runs/sp/seed-1/config.yaml")
    #expect(try refusal("watch", "study").contains("study/runs/sp/seed-1/config.yaml:"))
  }

  @Test func whatItIsGivenIsWhatItTakes() throws {
    try run(
      "init", "first", "--images", "photos", "--teacher", "resnet-8", "--student", "wrn-16-1", "--epochs", "1",
      "--no-measurement")
    try run("train", "first/teacher.yaml", "--out", "teacher", "--quiet", "--set", "training.threads=1")
    try run("export", "teacher", "--output", "teacher.onnx")

    // A run, its weights alone and a file of another program's.
    for (name, teacher, text) in [
      ("a", "teacher", "teacher: {network: resnet-8, weights: \"../teacher\"}"),
      ("b", "teacher/weights.safetensors", "weights: \"../teacher/weights.safetensors\"}"),
      ("c", "teacher.onnx", "teacher: {onnx: \"../teacher.onnx\"}"),
    ] {
      try run(
        "init", name, "--images", "photos", "--teacher", teacher, "--student", "resnet-8", "--no-measurement")
      let study = try scratch.text("\(name)/study.yaml")
      #expect(study.contains(text), "\(study)")
      #expect(!scratch.has("\(name)/teacher.yaml"))
    }
    // A student of one's own, and time in place of epochs.
    let timed = try run(
      "init", "d", "--images", "photos", "--teacher", "teacher", "--student", "teacher.onnx", "--minutes", "1")
    #expect(timed.output.contains("teacher.onnx"))
    // A set by name, and a teacher of other classes, of which similarities are learnt alone.
    let other = try run(
      "init", "e", "--images", "textures", "--teacher", "teacher", "--student", "30 M", "--no-measurement")
    #expect(other.output.contains("wrn-16-1") || other.output.contains("resnet-14"), "\(other.output)")
  }

  @Test func whatCannotBeLeavesNothing() throws {
    try scratch.write(["notes.txt": "no image", "empty/readme.txt": "nothing"])
    let refusals = [
      (["init", "x", "--yes"], "name the images: kindred init --images FOLDER"),
      (["init", "x", "--images", "photo"], "there are no images 'photo'"),
      (["init", "x", "--images", "cifar10"], "did you mean 'cifar-10'?"),
      (["init", "x", "--images", "empty"], "has no images"),
      (["init", "x", "--images", "photos", "--teacher", "resnet-18x"], "there is no file and no network 'resnet-18x'"),
      (["init", "x", "--images", "photos", "--teacher", "notes.txt"], "notes.txt"),
      (["init", "x", "--images", "photos", "--student", "5 kB"], "no network of the zoo is as small as 5 kB"),
      (["init", "x", "--images", "photos", "--student", "notes.txt"], "notes.txt is no ONNX file"),
      (
        ["init", "x", "--images", "photos/\(Textures.images(count: 1, split: .train).classNames[0])"],
        "no class folders"
      ),
      (
        ["init", "x", "--images", "photos", "--teacher", "resnet-8", "--teacher-network", "resnet-8"], "is for weights"
      ),
      (["watch", "nowhere"], "there is no run, folder of runs or study nowhere"),
      (["watch", "photos"], "photos holds no run"),
      (["watch", "damaged"], "damaged/config.yaml:"),
      (["match", "nowhere.yaml"], "there is no file nowhere.yaml"),
      (["run", "photos"], "there is no file photos/study.yaml"),
    ]
    try scratch.write("data: [", to: "damaged/config.yaml")
    for (arguments, reason) in refusals {
      let finished = try Command.start(arguments, in: scratch.url).wait()
      #expect(finished.status != 0 && finished.errors.split(separator: "\n").count == 1, "\(arguments) \(finished)")
      #expect(finished.errors.contains(reason), "\(arguments): \(finished.errors)")
      #expect(!scratch.has("x"), "\(arguments)")
    }
  }

  /// Asked on a terminal that the test holds the other end of.
  @Test func onATerminalItAsksForWhatIsMissing() throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else { return }
    let answers = "photos\\n\\nresnet-8\\n"
    let script =
      "printf '\(answers)' | script -qec \"'\(try Command.binary().path)' init asked --no-measurement\" /dev/null"
    let finished = try Command.shell(script, in: scratch.url)
    #expect(finished.status == 0, "\(finished)")
    #expect(finished.output.contains("teacher (a file or a network; empty trains one first): "), "\(finished.output)")
    #expect(try scratch.text("asked/study.yaml").contains("student: {network: resnet-8}"))
  }
}
