// Networks from ONNX files through the built command, teaching and learning: no network of Kindred's own takes part.

import Foundation
import GoldenFiles
import Graph
import TestSupport
import Testing
import Torch

@Suite struct ONNXNetworkTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder([
      "plain.yaml": """
      data: {set: textures, train_images: 160, test_images: 40}
      student: {onnx: small.onnx, classifier: fresh}
      training: {epochs: 2, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.05}}
      """,
      "student.yaml": """
      extends: plain.yaml
      teacher: {onnx: teacher.onnx}
      losses: {kd: {}, sp: {calibration_batches: 2, layers: [pooled]}, crd: {negatives: 16}}
      """,
    ])
    try FileManager.default.copyItem(
      at: Golden.file("onnx/small", "onnx"), to: scratch.url.appending(path: "small.onnx"))
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let run = try Command.start(arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(arguments): \(run.errors)")
    return run
  }

  private func graph(_ name: String) throws -> Graph {
    try ONNXFile(scratch.url.appending(path: name), inputShape: [3, 32, 32]).graph
  }

  @Test func oneTeachesAnotherAndLeavesWithItsOwnNames() throws {
    try run("train", "plain.yaml", "--out", "teacher", "--quiet")
    try run("export", "teacher", "--output", "teacher.onnx", "--input", "bytes")
    let distilled = try run("distill", "student.yaml", "--out", "student")
    #expect(distilled.errors.contains("of equal values"), "\(distilled.errors)")
    let given = try graph("small.onnx")
    let weights = try Safetensors.read(scratch.url.appending(path: "student/weights.safetensors")).tensors
    #expect(Set(weights.keys) == Set(given.entries))
    // A run is all there is of itself.
    try FileManager.default.removeItem(at: scratch.url.appending(path: "small.onnx"))
    let own = try run("evaluate", "student").output
    try run("export", "student", "--output", "student.onnx")
    #expect(try run("evaluate", "student.onnx").output == own)
    let exported = try graph("student.onnx")
    #expect(exported.input == given.input && exported.outputName == given.outputName)
    // Folding a batch norm adds a bias.
    #expect(exported.entries.allSatisfy { $0.hasSuffix(".bias") || given.entries.contains($0) }, "\(exported.entries)")
  }

  /// All that the pooled vector is made of stays, batch norms' statistics too; the classifier is trained.
  @Test func whatIsFrozenStays() throws {
    try run("train", "plain.yaml", "--out", "probe", "--quiet", "--set", "student.freeze=pooled")
    let given = try graph("small.onnx")
    let weights = try Safetensors.read(scratch.url.appending(path: "probe/weights.safetensors")).tensors
    let changed = given.entries.filter { weights[$0]?.bytes() != given.tensors[$0]?.bytes() }
    #expect(Set(changed) == Set(given.entries).subtracting(given.part(before: ["pooled"]).tensors))
    #expect(changed.count == 2)
  }

  @Test func stoppedAndResumedItIsTheSameRun() throws {
    let whole = ["train", "plain.yaml", "--quiet", "--out", "whole"]
    #expect(try Command.start(whole, in: scratch.url).wait().status == 0)
    let killed = ["train", "plain.yaml", "--quiet", "--out", "killed", "--resume"]
    try Command.kill(killed, in: scratch, onceThereIs: "killed/checkpoint.safetensors")
    #expect(!scratch.has("killed/result.json"))
    // As if it had been killed a moment earlier.
    try scratch.write("cut", to: "early/student/small.onnx")
    try run("train", "plain.yaml", "--quiet", "--out", "early", "--resume")
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("early/weights.safetensors"))
    // What the folder keeps is enough.
    try FileManager.default.removeItem(at: scratch.url.appending(path: "small.onnx"))
    try run("train", "killed/config.yaml", "--quiet", "--out", "killed", "--resume")
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("killed/weights.safetensors"))
  }

  @Test(arguments: [
    ("student.onnx=none.onnx", "student.onnx: none.onnx: cannot be read: "),
    ("student.onnx=student.yaml", "student.onnx: student.yaml: is a text file, not an ONNX file"),
    (
      "student.classifier=loaded",
      "student.onnx: small.onnx tells 3 classes, and textures has 10; for another classifier"
    ),
    ("student.taps={stage9: nowhere}", "student.onnx: small.onnx: has no value 'nowhere' that grows with the batch"),
    ("student.network=resnet-8", "student.onnx: a student is one network, and there is network too; take one out"),
    ("student.input=bytes", "student.onnx: small.onnx normalises its images itself, which a student does not"),
  ])
  func whatCannotBeTrainedIsRefusedInOneLine(setting: String, line: String) throws {
    let refused = try Command.run("train", "plain.yaml", "--out", "run", "--set", setting, in: scratch.url)
    #expect(refused.status != 0)
    #expect(refused.errors.contains(line) && refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
    #expect(!scratch.has("run"))
  }

  /// A run goes on with the network that it began with, and no other.
  @Test func anotherFileUnderTheSameNameIsNoticed() throws {
    try run("train", "plain.yaml", "--out", "run", "--quiet")
    try run("export", "run", "--output", "small.onnx")
    let other = try Command.run("train", "plain.yaml", "--out", "run", "--resume", in: scratch.url)
    #expect(other.status != 0 && other.errors.contains("another student"), "\(other.errors)")
  }
}
