// Checkpoints from anybody, loaded into a run.

import Foundation
import Kindred
import KindredVision
import Torch

struct CheckpointInputs: FuzzedReader {
  private let file: URL
  private let template: TensorFile
  private let progress: JSONTree
  private let distiller: Distiller

  init(_ folder: URL) throws {
    file = folder.appending(path: "checkpoint.safetensors")
    distiller = CheckpointInputs.distiller()
    try Checkpoint.save(distiller, to: file)
    template = try TensorFile(Array(Data(contentsOf: file)))
    guard case .string(let text)? = template.header["__metadata__"]?["progress"] else {
      throw Failure("a checkpoint without progress")
    }
    progress = try JSONTree(Data(text.utf8))
  }

  private static func distiller() -> Distiller {
    let student = SmallNetwork()
    let hint = HintLoss(adapter: HintAdapter(student: (2, 3), teacher: (3, 3), generator: Generator(seed: 2)))
    let objective = Objective([.crossEntropy(), .init("hint", hint, weight: 1)])
    return Distiller(
      student: student, objective: objective, recipe: Recipe(epochs: 3, schedule: .init(.constant)))
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    guard random.oneIn(2) else { return [InputFile(name: "checkpoint.safetensors", bytes: template.mutated(&random))] }
    var (file, progress) = (template, progress)
    for _ in 0...random.index(3) { progress.mutate(&random) }
    file.header["__metadata__"] = .object([(key: "progress", value: .string(progress.text))])
    return [InputFile(name: "checkpoint.safetensors", bytes: file.bytes)]
  }

  func read() throws {
    _ = try Checkpoint.progress(of: file)
    try Checkpoint.load(file, into: distiller)
    let position = distiller.progress.position
    guard position.epoch >= 0, position.batch >= 0 else { throw Failure("a run that goes on from \(position)") }
  }
}

/// Convolution, batch normalisation and a classifier.
private final class SmallNetwork: Network {
  let conv: Convolution
  let bn = BatchNorm(2)
  let fc: Linear

  override init() {
    let generator = Generator(seed: 1)
    conv = Convolution(1, 2, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    fc = Linear(2, 3, generator: generator)
  }
}
