// The network that a configuration's run trains, made.

import Graph
import Kindred
import KindredVision
import Torch

extension Configuration {
  /// A network in training mode: freshly initialised, or with the weights of its ONNX file.
  /// - Parameter generator: draws the weights, or those of a fresh classifier alone.
  /// - Throws: `ConfigurationError` for a file that cannot be read; `RunError` for one with broken weights.
  func makeStudent(_ generator: Generator) throws -> Network {
    let (image, classes) = (data.inputShape, data.classCount)
    switch student.network {
    case .zoo(let network): return network.network(classes: classes, inputChannels: image[0], generator: generator)
    case .onnx(let source):
      var graph = try source.readStudent(image: image).graph
      if student.classifier == .fresh, !graph.replaceHead(classes: classes, generator: generator) {
        preconditionFailure("check() refuses a fresh classifier for such a file")
      }
      let network = GraphNetwork(graph)
      if let broken = network.brokenEntry { throw RunError("student.onnx: \(source.file.url.displayName): \(broken)") }
      return network
    }
  }

  /// Freezes the stages of a student, perhaps with what losses have made of it, that are not to be trained.
  /// - Throws: `RunError` for a network that does not tell its stages.
  func freezeStages(of network: Network) throws {
    guard !student.freeze.isEmpty else { return }
    do {
      try network.freeze(upTo: student.freeze, inputShape: data.inputShape)
    } catch let error as UntraceableNetwork {
      throw RunError("student.freeze: \(student.network.name): \(error)")
    }
  }
}
