// Weights in the state that people have them in: broken ones, wrapped ones, ones for other classes.

import Foundation
import GoldenFiles
import TestSupport
import Testing
import Torch

@Suite struct BrokenWeightsTests {
  private let scratch: TestFolder
  private let weights: [String: Tensor]

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    let run = try Command.run("train", "teacher.yaml", "--quiet", in: scratch.url)
    #expect(run.status == 0, "\(run.errors)")
    weights = try Safetensors.read(scratch.url.appending(path: "runs/teacher/seed-1/weights.safetensors")).tensors
  }

  private func write(_ tensors: [String: Tensor], to name: String) throws {
    try Safetensors.write(tensors, metadata: ["network": "resnet-8"], to: scratch.url.appending(path: name))
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  /// One filter with NaN: fused layers turn what comes of it into zeros, from which SP, AT and hint would learn to the end.
  @Test func weightsThatAreNotFiniteAreRefusedWhereverTheyComeIn() throws {
    let broken = weights.mapValues { $0.clone() }
    let filter = try #require(broken["layer1.0.conv1.weight"])
    withoutGradients { filter.narrowed(0, 2..<3).fillInPlace(.nan) }
    try write(broken, to: "broken.safetensors")
    try Safetensors.write(
      ["input": Generator(seed: 5).normal([2, 3, 32, 32])], to: scratch.url.appending(path: "x.safetensors"))
    let teacher = "teacher={network: resnet-8, weights: broken.safetensors}"
    let runs = [
      try run("distill", "student.yaml", "--out", "out", "--set", teacher),
      try run("distill", "student.yaml", "--out", "out", "--set", teacher, "--set", "teacher.precision=int8"),
      try run("record", "student.yaml", "--out", "out", "--set", teacher),
      try run("train", "plain.yaml", "--out", "out", "--set", "student.weights=broken.safetensors"),
      try run("evaluate", "broken.safetensors"),
      try run(
        "forward", "--network", "resnet-8", "--weights", "broken.safetensors", "--input", "x.safetensors", "--output",
        "y.safetensors"),
    ]
    for run in runs {
      #expect(run.status == 1)
      #expect(run.errors.hasPrefix("Error: broken.safetensors: 'layer1.0.conv1.weight' holds NaN"), "\(run.errors)")
      #expect(run.errors.split(separator: "\n").count == 1)
    }
    #expect(!scratch.has("out") && !scratch.has("y.safetensors"))
  }

  /// What a file calls its entries is shown, and stays within its line.
  @Test func namesFromFilesBreakNoLine() throws {
    try write(weights.merging(["a\nb\u{1B}[2J": .ones([1])]) { own, _ in own }, to: "odd.safetensors")
    let run = try run("evaluate", "odd.safetensors", "--data", "textures")
    #expect(run.status == 1)
    #expect(run.errors.hasSuffix("'a\\nb\\u{1B}[2J' is not an entry of the network\n"), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1)
  }

  /// DataParallel and `torch.compile` put themselves before every name.
  @Test func aPrefixThatAllNamesShareIsTakenOffAndSaid() throws {
    try write(
      Dictionary(uniqueKeysWithValues: weights.map { ("module._orig_mod.\($0)", $1) }), to: "wrapped.safetensors")
    let plain = try run("distill", "student.yaml", "--out", "plain", "--quiet")
    let wrapped = try run(
      "distill", "student.yaml", "--out", "wrapped", "--set",
      "teacher={network: resnet-8, weights: wrapped.safetensors}")
    #expect(plain.status == 0 && wrapped.status == 0, "\(plain.errors) \(wrapped.errors)")
    #expect(
      wrapped.errors.contains("wrapped.safetensors: 'module._orig_mod.' was taken off the name of every entry"),
      "\(wrapped.errors)")
    #expect(try scratch.bytes("plain/weights.safetensors") == scratch.bytes("wrapped/weights.safetensors"))
    var mixed = weights
    mixed["module.fc.bias"] = mixed.removeValue(forKey: "fc.bias")
    try write(mixed, to: "mixed.safetensors")
    let refused = try run("evaluate", "mixed.safetensors", "--data", "textures")
    #expect(refused.status == 1 && refused.errors.contains("'fc.bias' is missing"), "\(refused.errors)")
  }

  /// What torch.save writes serves as it is, wherever weights are named; what it holds is shown, and it can be converted.
  @Test(.enabled(if: Python.obstacle == nil, Comment(rawValue: Python.obstacle ?? "")))
  func checkpointsOfPyTorchAreRead() throws {
    let folder = scratch.url.path
    try Python.run([
      "-c",
      """
      import torch
      from safetensors.torch import load_file
      weights = load_file("\(folder)/runs/teacher/seed-1/weights.safetensors")
      wrapped = {"module." + name: tensor for name, tensor in weights.items()}
      torch.save({"epoch": 2, "model": wrapped}, "\(folder)/run.bin", _use_new_zipfile_serialization=False)
      torch.save({"model": wrapped, "average": weights}, "\(folder)/two.pth")
      """,
    ])
    let evaluated = try run("evaluate", "run.bin", "--network", "resnet-8", "--data", "textures", "--json")
    let own = try run("evaluate", "runs/teacher/seed-1", "--data", "textures", "--json")
    #expect(evaluated.status == 0 && own.status == 0, "\(evaluated.errors) \(own.errors)")
    let accuracy = { (output: String) in output.split(separator: "\n").first { $0.contains("\"accuracyPercent\"") } }
    #expect(accuracy(evaluated.output) != nil && accuracy(evaluated.output) == accuracy(own.output))

    let inspected = try run("inspect", "run.bin")
    #expect(inspected.status == 0 && inspected.output.contains("fits: resnet-8\n"), "\(inspected.output)")
    let entries = inspected.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    #expect(entries.contains("layer1.0.conv1.weight float32 16 x 16 x 3 x 3"), "\(inspected.output)")
    let set = try run("inspect", "run.bin", "--epochs", "3")
    #expect(set.status == 1 && set.errors.contains("take the other options out"), "\(set.errors)")
    let several = try run("inspect", "two.pth")
    #expect(several.status == 1 && several.errors.contains("average, model; name one with --key"), "\(several.errors)")

    let converted = try run(
      "convert", "two.pth", "out.safetensors", "--key", "model", "--strip", "--network", "resnet-8")
    #expect(converted.status == 0, "\(converted.errors)")
    let (tensors, metadata) = try Safetensors.read(scratch.url.appending(path: "out.safetensors"))
    #expect(metadata["network"] == "resnet-8" && tensors.mapValues { $0.bytes() } == weights.mapValues { $0.bytes() })
    let other = try run("convert", "two.pth", "no.safetensors", "--key", "model", "--network", "resnet-14")
    #expect(other.status == 1 && !scratch.has("no.safetensors"), "\(other.errors)")
  }

  /// A teacher's classes are those of its file; a student may start from weights for others with a fresh classifier.
  @Test func classesAreThoseOfTheFile() throws {
    var many = weights
    many["fc.weight"] = .ones([100, 64])
    many["fc.bias"] = .zeros([100])
    try write(many, to: "many.safetensors")
    let teacher = "teacher={network: resnet-8, weights: many.safetensors}"
    let inspected = try run("inspect", "student.yaml", "--set", teacher, "--set", "losses.kd=null")
    #expect(inspected.status == 0, "\(inspected.errors)")
    let logits = inspected.output.split(separator: "\n").first { $0.hasPrefix("logits") }
    #expect(logits?.split(separator: " ").map(String.init) == ["logits", "10", "100"])
    let kd = try run("inspect", "student.yaml", "--set", teacher)
    #expect(kd.status == 1 && kd.errors.contains("but resnet-8 has 100"), "\(kd.errors)")
    var grey = weights
    grey["conv1.weight"] = .ones([16, 1, 3, 3])
    try write(grey, to: "grey.safetensors")
    let colour = try run("inspect", "student.yaml", "--set", "teacher={network: resnet-8, weights: grey.safetensors}")
    #expect(colour.status == 1 && colour.errors.contains("takes images of 1 channels"), "\(colour.errors)")

    let start = ["train", "plain.yaml", "--epochs", "1", "--quiet", "--out", "fresh", "--set"]
    let other = try Command.start(start + ["student.weights=many.safetensors"], in: scratch.url).wait()
    #expect(other.status == 1 && other.errors.contains("say student.classifier: fresh"), "\(other.errors)")
    let fresh = try Command.start(
      start + ["student={network: resnet-8, weights: many.safetensors, classifier: fresh}"], in: scratch.url
    ).wait()
    #expect(fresh.status == 0, "\(fresh.errors)")
    // A run's folder serves as well as its file, for a start and for forward.
    let folder = try Command.start(
      start.map { $0 == "fresh" ? "again" : $0 } + ["student.weights=fresh"], in: scratch.url
    )
    .wait()
    #expect(folder.status == 0, "\(folder.errors)")
  }
}
