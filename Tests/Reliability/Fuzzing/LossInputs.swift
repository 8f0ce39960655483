// The files of `kindred loss` from anybody: what a student and a teacher gave for a batch, for every method.

import Foundation
import Kindred
import KindredVision
import Torch

struct LossInputs: FuzzedReader {
  private let folder: URL
  private let cases: [Case]

  /// The files of one method.
  private struct Case {
    let method: String
    let student: TensorFile
    let teacher: TensorFile
    /// What it trains or keeps, by its state names.
    var module: TensorFile?
  }

  private static let (batch, classes, channels, size) = (4, 3, 2, 4)
  private static let single: Set<String> = ["hint", "ickd", "simkd"]

  init(_ folder: URL) throws {
    self.folder = folder
    let generator = Generator(seed: 1)
    cases = try Methods.all.map { type in
      let name = type.card.name
      let maps = LossInputs.single.contains(name) ? 1 : 2
      let (student, teacher) = (LossInputs.student(generator, maps), LossInputs.teacher(generator, maps))
      var files = Case(
        method: name, student: try TensorFile(Array(Safetensors.encode(student))),
        teacher: try TensorFile(Array(Safetensors.encode(teacher))))
      // OFD wants its margins of a module's file, of which there is none to begin with.
      let loss = name == "ofd" ? nil : try MethodComparison(type.init(), student: student, teacher: teacher).loss
      if let state = loss?.module?.state {
        let tensors = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.detached()) })
        files.module = try TensorFile(Array(Safetensors.encode(tensors)))
      }
      return files
    }
  }

  private static func student(_ generator: Generator, _ maps: Int) -> [String: Tensor] {
    var entries = compared(generator, maps)
    entries["labels"] = Tensor([0, 1, 2, -1] as [Int64], shape: [batch])
    entries["indices"] = Tensor([0, 1, 2, 5] as [Int64], shape: [batch])
    entries["negatives"] = Tensor([1, 2, 0, 4, 3, 3, 0, 1] as [Int64], shape: [batch, 2])
    return entries
  }

  private static func teacher(_ generator: Generator, _ maps: Int) -> [String: Tensor] {
    var entries = compared(generator, maps)
    entries["classifier.weight"] = generator.normal([classes, channels])
    entries["classifier.bias"] = .zeros([classes])
    return entries
  }

  private static func compared(_ generator: Generator, _ maps: Int) -> [String: Tensor] {
    var entries = [
      "logits": generator.normal([batch, classes]), "pooled": generator.normal([batch, channels]),
      "activation": generator.normal([batch, channels, size, size]),
    ]
    if maps > 1 { entries["activation.1"] = generator.normal([batch, channels, size, size]) }
    return entries
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    let files = random.pick(cases)
    let changed = random.index(6)
    var inputs = [
      InputFile(name: "method", bytes: Array(files.method.utf8)),
      InputFile(
        name: "student.safetensors", bytes: (changed < 3 ? files.student.mutated(&random) : files.student.bytes)),
      InputFile(
        name: "teacher.safetensors", bytes: 2...4 ~= changed ? files.teacher.mutated(&random) : files.teacher.bytes),
    ]
    // Without a module's file CRD makes banks for the samples that the indices ask for, however many.
    if let module = files.module, changed == 5 || files.method == "crd" || random.oneIn(4) {
      let bytes = changed == 5 ? module.mutated(&random) : module.bytes
      inputs.append(InputFile(name: "module.safetensors", bytes: bytes))
    }
    return inputs
  }

  func read() throws {
    let name = String(decoding: try Data(contentsOf: folder.appending(path: "method")), as: UTF8.self)
    guard let method = Methods.named(name)?.init() else { throw Failure("no method '\(name)'") }
    let module = folder.appending(path: "module.safetensors")
    let hasModule = FileManager.default.fileExists(atPath: module.path)
    let comparison = try MethodComparison(
      method, student: entries("student"), teacher: entries("teacher"),
      state: hasModule ? Safetensors.read(module).tensors : nil)
    _ = try withTorchErrors { comparison.value() }
  }

  /// In double precision, as the command reads them.
  private func entries(_ name: String) throws -> [String: Tensor] {
    try Safetensors.read(folder.appending(path: "\(name).safetensors")).tensors
      .mapValues { $0.isFloatingPoint ? $0.to(.float64) : $0 }
  }
}
