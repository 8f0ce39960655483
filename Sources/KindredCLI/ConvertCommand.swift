// `kindred convert`: weights from PyTorch's own files into safetensors.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredVision
import Torch

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Write the weights of a PyTorch checkpoint as a safetensors file.",
    discussion: """
      Checkpoints (.pth, .pt, .bin) are read without running anything in them, wherever weights are named; converting one \
      is for other programs, for a checkpoint that holds several sets of weights, and for names behind a prefix.
      """)

  @Argument(help: "The checkpoint, or a safetensors file.", completion: .file())
  var input: String

  @Argument(help: "The safetensors file to write.", completion: .tensors)
  var output: String

  @Option(help: "Which weights to take where the checkpoint holds several, such as model_ema.")
  var key: String?

  @Flag(help: "Take off what stands before every name, such as 'module.'.")
  var strip = false

  @Option(
    help: "The network that the weights are of, such as wrn-16-2, to be noted in the file.", completion: .networks)
  var network: String?

  func run() throws {
    let weights = try WeightsFile(file(input), key: key)
    let prefix = strip ? "" : weights.prefix
    if !prefix.isEmpty { note("every name begins with '\(prefix)'; --strip takes it off") }
    var metadata = weights.metadata
    if let network {
      let architecture = try Architecture(named: network)
      try weights.check(architecture)
      metadata["network"] = architecture.name
    }
    let tensors = try Dictionary(
      uniqueKeysWithValues: weights.entries.keys.map { (prefix + $0, try weights.tensor($0)) })
    try Safetensors.write(tensors, metadata: metadata, to: file(output))
    note("wrote \(output): \(tensors.count) tensors")
  }
}
