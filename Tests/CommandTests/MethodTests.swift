// Methods by the built command: every one trains, from a live teacher and from a recording, and what it leaves is read again.

import Foundation
import GoldenFiles
import Kindred
import TestSupport
import Testing
import Torch

@Suite struct MethodTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder()
    try scratch.write(
      """
      data: {set: textures, train_images: 64, test_images: 40}
      student: {network: resnet-8}
      training: {epochs: 1, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """, to: "teacher.yaml")
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  /// All methods that share one teacher in one objective: each is trained, logged and has a weight.
  @Test func allMethodsTrainTogether() throws {
    let teacher = try run("train", "teacher.yaml", "--quiet")
    try #require(teacher.status == 0, "\(teacher.errors)")
    // SimKD makes another network of the student, FSP takes maps of the same channels: they have these here.
    let names = Methods.all.map { $0.card.name }.filter { $0 != "simkd" }
    let terms = names.map { "  \($0): {\($0 == "crd" ? "negatives: 16" : "")}" }.joined(separator: "\n")
    try scratch.write(
      "extends: teacher.yaml\nteacher: {config: teacher.yaml}\nlosses:\n\(terms)\n", to: "all.yaml")
    let trained = try run("distill", "all.yaml", "--quiet", "--json")
    try #require(trained.status == 0, "\(trained.errors)")
    let log = try String(contentsOf: scratch.url.appending(path: "runs/all/seed-1/metrics.jsonl"), encoding: .utf8)
    for name in names { #expect(log.contains("\"\(name)\":"), "\(name)") }
  }

  /// What SimKD adds is in the student afterwards: in its parameters, in its weights, and where they are evaluated.
  @Test func aStudentWithAReusedClassifierIsReadAgain() throws {
    let teacher = try run("train", "teacher.yaml", "--quiet")
    try #require(teacher.status == 0, "\(teacher.errors)")
    try scratch.write(
      "extends: teacher.yaml\nteacher: {config: teacher.yaml}\nlosses: {simkd: {}}\n", to: "simkd.yaml")
    let trained = try run("distill", "simkd.yaml", "--quiet", "--json")
    try #require(trained.status == 0, "\(trained.errors)")
    let result = try #require(
      JSONSerialization.jsonObject(with: Data(trained.output.utf8)) as? [String: Any], "\(trained.output)")
    let evaluated = try run("evaluate", "runs/simkd/seed-1", "--json")
    try #require(evaluated.status == 0, "\(evaluated.errors)")
    let again = try #require(JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    #expect(again["accuracyPercent"] as? Double == result["accuracyPercent"] as? Double)
    let weights = try Safetensors.read(scratch.url.appending(path: "runs/simkd/seed-1/weights.safetensors")).tensors
    let isStatistic = { (name: String) in name.contains("running") || name.contains("num_batches") }
    let unused = { (name: String) in name.hasPrefix("student.fc.") }
    let count = weights.filter { !isStatistic($0.key) && !unused($0.key) }.reduce(0) { $0 + $1.value.count }
    #expect(result["parameters"] as? Int == count)
  }

  @Test func theListNamesEveryMethod() throws {
    let list = try run("loss", "--list")
    try #require(list.status == 0, "\(list.errors)")
    for method in Methods.all { #expect(list.output.contains("\n\(method.card.name) "), "\(method.card.name)") }
    let unknown = try run("loss", "dkdd", "--student", "a", "--teacher", "b")
    #expect(unknown.status == 1 && unknown.errors == "Error: there is no method 'dkdd'; did you mean 'dkd'?\n")
  }

  /// A golden case through the files of the command: value, gradients and what the method trains.
  @Test(arguments: ["itrd", "reviewkd", "rkd"])
  func aMethodAgreesWithPyTorch(method: String) throws {
    let (tensors, metadata) = try Safetensors.read(Golden.file("methods/\(method)"))
    let name = try #require(
      metadata.filter { $0.value.contains("\"settings\": {}") || $0.value.contains("\"settings\":{}") }.keys.min())
    func entries(_ part: String) -> [String: Tensor] {
      let prefix = "\(name)/\(part)/"
      return tensors.reduce(into: [:]) { entries, entry in
        guard entry.key.hasPrefix(prefix) else { return }
        let tensor = entry.value
        entries[String(entry.key.dropFirst(prefix.count))] = tensor.isFloatingPoint ? tensor.to(.float64) : tensor
      }
    }
    for part in ["student", "teacher", "module"] where !entries(part).isEmpty {
      try Safetensors.write(entries(part), to: scratch.url.appending(path: "\(part).safetensors"))
    }
    var arguments = ["loss", method, "--student", "student.safetensors", "--teacher", "teacher.safetensors"]
    if !entries("module").isEmpty { arguments += ["--module", "module.safetensors"] }
    let run = try Command.start(arguments + ["--gradient", "g.safetensors"], in: scratch.url).wait()
    try #require(run.status == 0, "\(run.errors)")
    let value = try #require(Double(run.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    let expected = try #require(tensors["\(name)/loss.f64"]).item
    #expect(abs(value - expected) < 1e-11 * max(abs(expected), 1e-6))
    let gradients = try Safetensors.read(scratch.url.appending(path: "g.safetensors")).tensors
    for (entry, gradient) in entries("gradient") where entry.hasSuffix(".f64") {
      #expect(relativeError(try #require(gradients[String(entry.dropLast(4))]), gradient) < 1e-9, "\(entry)")
    }
  }
}
