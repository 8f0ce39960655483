// Runs with everything that is drawn for images and batches: interrupted, resumed, recorded, refused.

import Foundation
import TestSupport
import Testing

@Suite struct AugmentationTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try scratch.write(
      """
      extends: student.yaml
      data:
        rand_augment: 9
        color_jitter: 0.4
        random_erasing: 0.25
        mixup: 0.2
        cutmix: 1.0
      losses: {label_smoothing: 0.1, dkd: {}}
      """, to: "mixed.yaml")
    try scratch.write("extends: mixed.yaml\nteacher: {config: null, recording: tape}\n", to: "replay.yaml")
    try run("train", "teacher.yaml", "--quiet")
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let finished = try Command.start(arguments, in: scratch.url).wait()
    #expect(finished.status == 0, "\(finished.errors)")
    return finished
  }

  private func weights(_ folder: String) throws -> Data { try scratch.bytes("\(folder)/weights.safetensors") }

  @Test func resumedOrOfARecordingItIsTheSameRun() throws {
    let live = try run("distill", "mixed.yaml", "--out", "live")
    #expect(live.errors.contains("data.mixup: dkd takes the class of a mixed image's larger part"), "\(live.errors)")

    let interrupted = try Command.start(["distill", "mixed.yaml", "--out", "stopped"], in: scratch.url)
    // The configuration is written right before the first step.
    while interrupted.isRunning, !scratch.has("stopped/config.yaml") { usleep(1_000) }
    interrupted.send(SIGINT)
    #expect(interrupted.wait().status == 130)
    #expect(!scratch.has("stopped/result.json"))
    try run("distill", "mixed.yaml", "--out", "stopped", "--resume", "--quiet")
    #expect(try weights("stopped") == weights("live"))

    try run("record", "mixed.yaml", "--out", "tape", "--quiet")
    try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(try weights("replay") == weights("live"))

    let other = try Command.start(["distill", "replay.yaml", "--set", "data.mixup=0.4"], in: scratch.url).wait()
    #expect(
      other.errors.contains(
        "was recorded for augmentation RandAugment 9 x 2, color jitter 0.4, random erasing 0.25, mixup 0.2, CutMix 1.0, "
          + "this run has RandAugment 9 x 2, color jitter 0.4, random erasing 0.25, mixup 0.4, CutMix 1.0"),
      "\(other.errors)")
  }
}
