// Weights from anybody.

import Foundation
import GoldenFiles
import Kindred
import KindredVision
import Torch

struct SafetensorsInputs: FuzzedReader {
  private let file: URL
  private let templates: [TensorFile]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.safetensors")
    let types = Dictionary(
      uniqueKeysWithValues: DType.allCases.map { ("\($0)", Tensor([0, 1, 1] as [Double], shape: [3]).to($0)) })
    let image = ["conv.weight": Generator(seed: 1).normal([2, 3, 3, 3]), "empty": .zeros([3, 0, 2]), "x": Tensor(1)]
    templates = try [
      TensorFile(Array(Safetensors.encode(types, metadata: ["network": "resnet-8", "data": "textures"]))),
      TensorFile(Array(Safetensors.encode(image))),
      TensorFile(Array(Data(contentsOf: Golden.file("optimisers")))),
    ]
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    let template = templates[random.oneIn(10) ? 2 : random.index(2)]
    return [InputFile(name: "input.safetensors", bytes: template.mutated(&random))]
  }

  func read() throws { _ = try Safetensors.read(file) }
}
