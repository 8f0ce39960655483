// The commands with which people check their own ports: loss, forward, evaluate.

import Foundation
import TestSupport
import Testing
import Torch

@Suite struct CheckTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder() }

  private func write(_ tensors: [String: Tensor], _ name: String) throws {
    try Safetensors.write(tensors, to: scratch.url.appending(path: name))
  }

  /// Three inputs of one feature each, so that it can be done by hand: with the unit vectors u = s / |s| and v = t / |t|,
  /// row i of the student's matrix is u (all s are positive), of the teacher's sign(t_i) v. The loss is the mean of
  /// (u - sign(t_i) v)^2, its gradient -2/9 sum(sign(t)) (v - (u . v) u) / |s|.
  @Test func similarityLossOfThreeInputsByHand() throws {
    let (s, t) = ([1.0, 2, 4], [1.0, -1, 3])
    try write(["activation": Tensor(s, shape: [3, 1])], "s.safetensors")
    try write(["activation": Tensor(t, shape: [3, 1])], "t.safetensors")
    let run = try Command.run(
      "loss", "sp", "--student", "s.safetensors", "--teacher", "t.safetensors", "--gradient", "g.safetensors",
      in: scratch.url)
    let length = 21.0.squareRoot()
    let (u, v) = (s.map { $0 / length }, t.map { $0 / 11.0.squareRoot() })
    let overlap = zip(u, v).reduce(0) { $0 + $1.0 * $1.1 }
    let expected = (6 - 2 * overlap) / 9
    let printed = try #require(Double(run.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(abs(printed - expected) < 1e-9)
    let tensors = try Safetensors.read(scratch.url.appending(path: "g.safetensors")).tensors
    let gradient = try #require(tensors["activation"]).elements(as: Double.self)
    for (value, pair) in zip(gradient, zip(u, v)) {
      #expect(abs(value + 2.0 / 9 * (pair.1 - overlap * pair.0) / length) < 1e-12)
    }
  }

  @Test func lossesRefuseWhatCannotBeCompared() throws {
    try write(["activation": Tensor([1, 2, 3] as [Float], shape: [3, 1])], "three.safetensors")
    try write(["activation": Tensor([1, 2] as [Float], shape: [2, 1])], "two.safetensors")
    try write(["activation": Tensor([1] as [Float], shape: [1, 1])], "one.safetensors")
    let cases = [
      ("sp", "three", "two", "the student's batch is 3, the teacher's 2"),
      ("sp", "one", "one", "a batch of two or more"),
      ("kd", "two", "two", "kd: needs logits, and the teacher gives none"),
      ("at", "two", "two", "at compares square maps, but the teacher's activation has shape [1]"),
    ]
    for (method, student, teacher, reason) in cases {
      let run = try Command.run(
        "loss", method, "--student", "\(student).safetensors", "--teacher", "\(teacher).safetensors", in: scratch.url)
      #expect(run.status == 1)
      #expect(run.errors.contains(reason), "\(run.errors)")
      #expect(run.errors.split(separator: "\n").count == 1)
    }
  }

  /// Entries that are not what their names say were traps in the arithmetic.
  @Test func entriesOfOtherShapesAreRefused() throws {
    let vectors = Tensor.ones([4, 3])
    let (labels, indices) = (Tensor([0, 1, 2, 0] as [Int64], shape: [4]), Tensor.arange(4))
    let whole = ["logits": vectors, "pooled": vectors, "labels": labels, "indices": indices]
    let wide = ["logits": vectors, "pooled": vectors, "classifier.weight": vectors, "classifier.bias": labels]
    try write(whole, "whole.safetensors")
    try write(wide, "integers.safetensors")
    let cases: [(method: String, entry: String, tensor: Tensor, reason: String)] = [
      ("skd", "logits", Tensor.ones([4]), "the student's 'logits' is float64[4]"),
      ("pkt", "pooled", Tensor.ones([4, 3, 1, 1]), "the student's 'pooled' is float64[4, 3, 1, 1]"),
      ("sp", "activation", Tensor.ones([4]), "the student's 'activation' is float64[4]"),
      ("dkd", "labels", Tensor.ones([4]), "the student's 'labels' is float64[4]; it must be int64"),
      ("dkd", "labels", labels - 3, "the student's 'labels' hold -3"),
      ("crd", "negatives", indices, "the student's 'negatives' is int64[4]"),
    ]
    for (method, entry, tensor, reason) in cases {
      try write(whole.merging([entry: tensor]) { _, new in new }, "odd.safetensors")
      let run = try Command.run(
        "loss", method, "--student", "odd.safetensors", "--teacher", "whole.safetensors", in: scratch.url)
      #expect(run.status == 1 && run.errors.hasPrefix("Error: \(method): \(reason)"), "\(run.errors)")
    }
    let idle = try Command.run(
      "loss", "kd", "--student", "whole.safetensors", "--teacher", "whole.safetensors", "--module", "whole.safetensors",
      in: scratch.url)
    #expect(idle.status == 1 && idle.errors == "Error: kd: trains and keeps nothing; take the module out\n")
    let run = try Command.run(
      "loss", "srrl", "--student", "whole.safetensors", "--teacher", "integers.safetensors", in: scratch.url)
    #expect(run.status == 1 && run.errors.contains("'classifier.bias' is int64[4]"), "\(run.errors)")
  }

  @Test func forwardGivesLogitsAndEveryTap() throws {
    let images = Generator(seed: 5).normal([2, 3, 32, 32])
    try write(["input": images], "x.safetensors")
    let run = try Command.run(
      "forward", "--network", "wrn-16-2", "--classes", "7", "--input", "x.safetensors", "--output", "y.safetensors",
      in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    let entries = try Safetensors.entries(of: scratch.url.appending(path: "y.safetensors"))
    #expect(
      entries.mapValues(\.shape) == [
        "logits": [2, 7], "stem": [2, 16, 32, 32], "stage1": [2, 32, 32, 32], "stage1.pre": [2, 32, 32, 32],
        "stage2": [2, 64, 16, 16], "stage2.pre": [2, 64, 16, 16], "stage3": [2, 128, 8, 8],
        "stage3.pre": [2, 128, 8, 8], "last": [2, 128, 8, 8], "pooled": [2, 128],
      ])
    let unknown = try Command.run(
      "forward", "--network", "wrn-16-3x", "--input", "x.safetensors", "--output", "z.safetensors", in: scratch.url)
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("there is no network 'wrn-16-3x'"))
  }

  @Test func evaluateAgreesWithTheRunsOwnResult() throws {
    try scratch.write(TinyRuns.files())
    let run = try Command.run(
      "train", "teacher.yaml", "--out", "run", "--quiet", "--json", "--set", "data.test_images=2000", in: scratch.url)
    let evaluation = try Command.run("evaluate", "run", "--json", in: scratch.url)
    #expect(evaluation.status == 0, "\(evaluation.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let report = try #require(try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Any])
    #expect(report["accuracyPercent"] as? Double == result["accuracyPercent"] as? Double)
    #expect(report["images"] as? Int == 2000)
    let classes = try #require(report["classes"] as? [[String: Any]])
    #expect(classes.map { $0["images"] as? Int } == Array(repeating: 200, count: 10))
  }

  @Test func doctorFindsLibtorch() throws {
    let run = try Command.run("doctor", in: scratch.url)
    #expect(run.output.contains(Runtime.version))
  }

  /// RepDistiller's and torchvision's counts, and PyTorch's multiply-adds of ResNet-18.
  @Test func networksAreListed() throws {
    let run = try Command.run("networks", "--json", in: scratch.url)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let rows = try #require(document["networks"] as? [[String: Any]])
    let networks = Dictionary(uniqueKeysWithValues: rows.map { ($0["name"] as? String, $0) })
    #expect(networks["vgg-8"]?["parameters"] as? Int == 3_965_028 && networks["vgg-8"]?["classes"] as? Int == 100)
    let large = try #require(networks["resnet18"])
    #expect(large["parameters"] as? Int == 11_689_512 && large["multiplyAdds"] as? Int == 1_814_073_344)
    #expect((large["taps"] as? [String])?.last == "pooled" && large["imageSize"] as? Int == 224)
    let lines = try Command.run("networks", in: scratch.url).output.split(separator: "\n")
    #expect(lines.count == rows.count + 3)
    #expect(lines.contains { $0.hasPrefix("resnet18 ") && $0.contains("11.7 M") && $0.contains("torchvision") })
  }
}
