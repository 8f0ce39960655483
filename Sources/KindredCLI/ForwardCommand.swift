// `kindred forward`: a network's activations for given inputs, to check another program's port against.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredVision
import Torch

struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward", abstract: "Run a network on given inputs and write its logits and taps.",
    discussion: """
      The input file holds 'input' (N x C x H x W, float32); the output file gets 'logits' and every tap ('stem', \
      'stage1', 'stage1.pre' and so on to 'last' and 'pooled'), contiguous N x C x H x W, in evaluation mode. Without \
      --weights the network is freshly initialised with --seed.
      """)

  @Option(help: "The network, such as wrn-16-2.", completion: .networks)
  var network: String

  @Option(help: "The number of classes.")
  var classes = 10

  @Option(help: "A run's folder, a safetensors file or a PyTorch checkpoint.", completion: .file())
  var weights: String?

  @Option(help: "The seed of a fresh initialisation.")
  var seed: UInt64 = 1

  @Option(help: "The safetensors file that holds 'input'.", completion: .tensors)
  var input: String

  @Option(help: "The safetensors file to write.", completion: .tensors)
  var output: String

  func validate() throws {
    guard (1...100_000).contains(classes) else { throw ValidationError("--classes is between 1 and 100000.") }
  }

  func run() throws {
    let images = try tensor("input", in: file(input))
    guard images.shape.count == 4, images.dtype == .float32, !images.shape.contains(0) else {
      throw RunError("\(input): 'input' is \(images.dtype)\(images.shape), expected float32 N x C x H x W")
    }
    guard images.shape[2] >= 4, images.shape[3] >= 4 else {
      throw RunError(
        "\(input): images of \(images.shape[2]) x \(images.shape[3]) are too small, expected 4 x 4 or more")
    }
    let architecture = try Architecture(named: self.network)
    let network = architecture.network(
      classes: classes, inputChannels: images.shape[1], generator: Generator(seed: seed))
    if let weights, let remark = try load(file(weights), into: network) { note(remark) }
    network.evaluate()
    let request = ActivationRequest(logits: true, taps: Set(architecture.taps))
    let activations = withoutGradients { network.activations(of: images.contiguous(.channelsLast), request) }
    var results = activations.taps.mapValues { $0.contiguous() }
    results["logits"] = activations.requiredLogits()
    try Safetensors.write(results, to: file(output))
  }
}

/// A tensor of a file by name.
/// - Throws: `TensorFileError` for a damaged file, `RunError` where the tensor is not in it.
func tensor(_ name: String, in file: URL) throws -> Tensor {
  let tensors = try TensorFile(file)
  guard tensors.entries[name] != nil else {
    let names = tensors.entries.keys.sorted().prefix(8).joined(separator: ", ")
    throw RunError("\(file.relativePath) holds no tensor '\(name)', only: \(names.isEmpty ? "nothing" : names)")
  }
  return try tensors.tensor(name)
}
