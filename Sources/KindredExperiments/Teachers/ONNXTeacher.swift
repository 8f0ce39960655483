// A teacher in an ONNX file, as a configuration names it.

import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// A network that was read from an ONNX file for a run's images.
struct ONNXTeacher {
  let source: Configuration.ONNXSource
  /// As the file has it, whatever that takes.
  let network: GraphNetwork
  let description: NetworkDescription
  private let graph: Graph
  private let input: StudentExport.Input

  /// - Throws: `RunError` for a file that cannot be read, or does not take the run's images.
  init(_ source: Configuration.ONNXSource, for settings: Configuration) throws {
    do {
      let file = try source.read(image: settings.data.teacherInputShape)
      (graph, input) = (file.graph, try source.input(of: file))
    } catch let error as ONNXError {
      throw RunError("teacher.onnx: \(source.file.url.displayName): \(error.problem)")
    }
    self.source = source
    network = GraphNetwork(graph)
    description = NetworkDescription(name: source.file.url.lastPathComponent, graph)
  }

  /// What it costs.
  var cost: NetworkCost { NetworkCost(parameters: graph.parameterCount, multiplyAdds: graph.multiplyAdds) }

  /// The network for normalised images of a set.
  func network(taking images: ImageSet) -> Network {
    guard input != .normalized else { return network }
    var graph = graph
    input.undoNormalization(of: images, before: &graph)
    return GraphNetwork(graph)
  }

  /// What the teacher's signal depends on beside the batches.
  /// - Throws: `RunError` where the file cannot be read.
  func facts() throws -> [RecordingHeader.Fact] {
    let taps = source.taps.sorted { $0.key < $1.key }.map { "\($0.key) is \($0.value)" }.joined(separator: ", ")
    return [
      .init("teacher's file \(RecordingHeader.fileFact)", try source.digest()), .init("teacher's taps", taps),
    ] + (input == .normalized ? [] : [.init("teacher's input", input.rawValue)])
  }
}
