// A run of a comparison that diverges: named, the others finished, and tried again once its settings are others.

import Foundation
import TestSupport
import Testing

@Suite struct DivergedRunTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder()
    try write(rate: "1.0e+6")
  }

  private func write(rate: String) throws {
    try scratch.write([
      "study.yaml": """
      base:
        data: {set: textures, train_images: 96, test_images: 40}
        student: {network: resnet-8}
        training: {epochs: 1, batch_size: 32, threads: 1}
      seeds: 1
      rows:
        first: {training: {optimizer: {name: sgd, learning_rate: \(rate)}}}
        second: {}
      """
    ])
  }

  @Test func theOthersGoOnAndItIsTriedAgain() throws {
    let run = try Command.run("compare", "study.yaml", in: scratch.url)
    #expect(run.status == 1)
    #expect(run.errors.contains("first seed 1 failed: the "), "\(run.errors)")
    #expect(run.errors.contains("Error: 1 run failed"))
    #expect(run.output.contains("1 of 1 runs failed"), "\(run.output)")
    #expect(scratch.has("runs/second/seed-1/result.json") && scratch.has("runs/table.md"))

    let same = try Command.run("compare", "study.yaml", "--quiet", in: scratch.url)
    #expect(same.status == 1 && same.errors.contains("1 run failed"), "\(same.errors)")

    try write(rate: "0.01")
    let mended = try Command.run("compare", "study.yaml", "--quiet", in: scratch.url)
    #expect(mended.status == 0, "\(mended.errors)")
    #expect(!scratch.has("runs/first/seed-1/diverged.txt") && !mended.output.contains("failed"))
  }

  @Test func stoppedItShowsWhatIsFinished() throws {
    try write(rate: "0.01")
    let process = try Command.start(["compare", "study.yaml", "--set", "training.epochs=300"], in: scratch.url)
    while process.isRunning, !scratch.has("runs/first/seed-1/config.yaml") { usleep(1_000) }
    process.send(SIGINT)
    let stopped = process.wait()
    #expect(stopped.status == 130 && stopped.output.isEmpty, "nothing is finished: \(stopped.output)")

    _ = try Command.run(
      "compare", "study.yaml", "--quiet", "--out", "other", "--set", "training.epochs=1", in: scratch.url)
    try FileManager.default.removeItem(at: scratch.url.appending(path: "other/second"))
    let again = try Command.start(
      ["compare", "study.yaml", "--out", "other", "--set", "training.epochs=1", "--set", "data.train_images=96"],
      in: scratch.url)
    while again.isRunning, !scratch.has("other/second/seed-1/config.yaml") { usleep(500) }
    again.send(SIGINT)
    let partial = again.wait()
    // It may have been too late to stop anything.
    #expect(partial.output.contains("first"), "\(partial)")
    #expect(partial.status == 0 || partial.output.contains("Not finished: second seed 1."), "\(partial)")
  }
}
