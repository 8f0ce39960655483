// Whole runs with the comforts of training: accumulated, clipped, averaged, frozen, and ended early.

import Foundation
import TestSupport
import Testing
import Torch

@Suite struct ComfortTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(
      TinyRuns.files().merging([
        "averaged.yaml": """
        extends: plain.yaml
        training:
          accumulate: 3
          clip_gradients: 1.0
          ema: 0.6
          backbone_rate_factor: 0.5
          optimizer: {weight_decay_on: weights}
        """
      ]) { own, _ in own })
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    let run = try Command.start(arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(run.errors)")
    return run
  }

  private func json(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// Stopped in the midst of a step of several batches, and once more after an epoch.
  @Test func aStoppedRunGoesOnToTheSameBytes() throws {
    let whole = try run("train", "averaged.yaml", "--out", "whole", "--quiet")
    for file in ["stopped/config.yaml", "stopped/metrics.jsonl"] {
      let part = try Command.start(["train", "averaged.yaml", "--out", "stopped", "--resume"], in: scratch.url)
      while part.isRunning, !scratch.has(file) { usleep(1_000) }
      part.send(SIGINT)
      #expect(part.wait().status == 130)
      let kept = try Safetensors.read(scratch.url.appending(path: "stopped/checkpoint.safetensors")).tensors
      #expect(kept["gradient_sum.0"] != nil && kept["ema.fc.weight"] != nil, "\(kept.keys.sorted())")
    }
    let last = try run("train", "averaged.yaml", "--out", "stopped", "--resume", "--quiet")
    let said = [last, whole].map { $0.output.split(separator: "\n").filter { !$0.hasPrefix("began ") } }
    #expect(said[0] == said[1].map { $0.replacing("whole/", with: "stopped/")[...] })
    for file in ["weights", "weights-ema", "weights-best"] {
      let name = "\(file).safetensors"
      guard file != "weights-best" || scratch.has("whole/\(name)") else { continue }
      #expect(try scratch.bytes("whole/\(name)") == scratch.bytes("stopped/\(name)"), "\(file)")
    }
    #expect(try scratch.bytes("whole/weights.safetensors") != scratch.bytes("whole/weights-ema.safetensors"))
    #expect(whole.output.contains("\nmoving average: "))
    let lines = try String(decoding: scratch.bytes("whole/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    for line in lines {
      let report = try json(Data(line.utf8))
      for key in ["averageAccuracyPercent", "averageEvaluationLoss", "gradientNorm"] {
        #expect(report[key] is Double, "\(key)")
      }
    }
  }

  /// What a run stands for is the better of its weights and their average; --best names the best of all evaluations.
  @Test func evaluatingARunSaysWhichWeights() throws {
    _ = try run("train", "averaged.yaml", "--out", "run", "--quiet")
    let result = try json(scratch.bytes("run/result.json"))
    let average = try #require((result["average"] as? [String: Any])?["accuracyPercent"] as? Double)
    let own = try #require(result["accuracyPercent"] as? Double)
    let best = try #require(result["best"] as? [String: Any])
    let isAverage = average > own
    let usual = try run("evaluate", "run", "--json")
    let file = isAverage ? "weights-ema" : "weights"
    #expect(try usual.output == run("evaluate", "run/\(file).safetensors", "--json").output)
    #expect(
      usual.errors.contains("run: the \(isAverage ? "moving average of the" : "last") weights"), "\(usual.errors)")
    let chosen = try run("evaluate", "run", "--best", "--json")
    // The last weights are not kept twice.
    let isLast = best["epoch"] as? Int == result["epochs"] as? Int
    #expect(scratch.has("run/weights-best.safetensors") != isLast)
    let bestFile = isLast ? best["isAverage"] as? Bool == true ? "weights-ema" : "weights" : "weights-best"
    #expect(try chosen.output == run("evaluate", "run/\(bestFile).safetensors", "--json").output)
    // What more epochs need beside the weights is all that is left of the checkpoint.
    let kept = try Safetensors.read(scratch.url.appending(path: "run/checkpoint.safetensors")).tensors.keys
    #expect(!kept.isEmpty && !kept.contains { $0.hasPrefix("student.") || $0.hasPrefix("ema.") })
    #expect(chosen.errors.contains("run: the weights after epoch \(best["epoch"] ?? ""),"), "\(chosen.errors)")
    let exported = try run("export", "run", "--best", "--output", "best.onnx")
    #expect(exported.errors.contains("the best of all evaluations"))
    let refused = try Command.run("evaluate", "run/weights.safetensors", "--best", in: scratch.url)
    #expect(refused.status == 1)
    #expect(refused.errors.contains("--best chooses among those in a run's folder"), "\(refused.errors)")
  }

  /// Nothing is learnt, so that the first evaluation stays the best.
  @Test func patienceEndsARunForGood() throws {
    let settings = [
      "--set",
      "training={epochs: 6, batch_size: 32, threads: 1, patience: 2, ema: 0, schedule: {name: constant}, optimizer: {learning_rate: 1.0e-12}}",
    ]
    let arguments = ["train", "plain.yaml", "--out", "run"] + settings
    let first = try Command.start(arguments, in: scratch.url).wait()
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("ended: no better accuracy than epoch 1's"), "\(first.errors)")
    #expect(try json(scratch.bytes("run/result.json"))["epochs"] as? Int == 3)
    let again = try Command.start(arguments + ["--resume", "--quiet"], in: scratch.url).wait()
    #expect(again.status == 0 && again.output == first.output, "\(again.errors)")
    let more = try Command.start(arguments + ["--resume", "--epochs", "9"], in: scratch.url).wait()
    #expect(more.status == 1)
    #expect(
      more.errors.contains("run cannot go on to 9 epochs: it lost its patience after epoch 3"), "\(more.errors)")
  }

  @Test func frozenStagesAreNotTrained() throws {
    _ = try run("train", "plain.yaml", "--out", "first", "--epochs", "1", "--quiet")
    let tuned = try run(
      "train", "plain.yaml", "--out", "tuned", "--epochs", "1", "--quiet", "--seed", "5", "--set",
      "student={network: resnet-8, weights: first, classifier: fresh, freeze: [stem, stage2]}")
    #expect(!tuned.errors.contains("warning"), "\(tuned.errors)")
    let weights = try ["first", "tuned"].map {
      try Safetensors.read(scratch.url.appending(path: "\($0)/weights.safetensors")).tensors
    }
    let changed = weights[0].keys.filter { weights[0][$0]?.bytes() != weights[1][$0]?.bytes() }
    #expect(Set(changed.map { String($0.prefix { $0 != "." }) }) == ["layer3", "fc"], "\(changed.sorted())")
    #expect(weights[0].keys.filter { $0.hasPrefix("layer3") }.allSatisfy(changed.contains))
  }
}
