// `kindred inspect` of a configuration refuses what `train` and `distill` refuse, in the same words.

import Foundation
import TestSupport
import Testing

@Suite struct InspectTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files(images: 64, epochs: 1))
    try scratch.write([
      "kd.yaml": "extends: plain.yaml\nteacher: {config: teacher.yaml}\nlosses: {kd: {}}\n"
    ])
  }

  private func run(_ arguments: String...) throws {
    let finished = try Command.start(arguments + ["--quiet"], in: scratch.url).wait()
    try #require(finished.status == 0, "\(finished.errors)")
  }

  private func expectSameRefusal(_ settings: String..., containing words: String) throws {
    let sets = settings.flatMap { ["--set", $0] }
    let inspected = try Command.start(["inspect", "kd.yaml"] + sets, in: scratch.url).wait()
    let distilled = try Command.start(["distill", "kd.yaml", "--out", "no", "--quiet"] + sets, in: scratch.url).wait()
    let errors = [inspected, distilled].map { $0.errors.split(separator: "\n").last { $0.hasPrefix("Error: ") } }
    #expect(inspected.status == 1 && distilled.status == 1 && !scratch.has("no"), "\(inspected) \(distilled)")
    #expect(errors[0] == errors[1] && errors[0]?.contains(words) == true, "\(errors)")
  }

  @Test func whatARunRefusesIsRefused() throws {
    try expectSameRefusal(containing: "teacher is not trained yet")
    try run("train", "teacher.yaml")
    let fits = try Command.run("inspect", "kd.yaml", in: scratch.url)
    #expect(fits.status == 0 && fits.output.contains("kd (T = "), "\(fits.errors)")
    try expectSameRefusal("teacher={network: resnet-8, weights: nowhere}", containing: "nowhere")
    try expectSameRefusal("teacher={network: resnet-14, weights: runs/teacher/seed-1}", containing: "resnet-14")
    try expectSameRefusal("data.set=cifar-100", "data.train_images=64", containing: "the student 100")

    // A recording of other views, and one with a hole.
    try run("record", "kd.yaml", "--out", "tape")
    let recording = "teacher={recording: tape}"
    let whole = try Command.run("inspect", "kd.yaml", "--set", recording, in: scratch.url)
    #expect(whole.status == 0, "\(whole.errors)")
    try expectSameRefusal(recording, "data.crop_padding=2", containing: "was recorded for crop padding 4")
    let shards = try FileManager.default.contentsOfDirectory(atPath: scratch.url.appending(path: "tape").path)
    let shard = try #require(shards.first { $0.hasSuffix(".safetensors") })
    try FileHandle(forWritingTo: scratch.url.appending(path: "tape/\(shard)")).truncate(atOffset: 100)
    try expectSameRefusal(recording, containing: "tape")
  }
}
