// A teacher in an ONNX file, as a configuration names it.

import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// A network that was read from an ONNX file for a run's images.
struct ONNXTeacher {
  let source: Configuration.ONNXSource
  let network: GraphNetwork
  let description: NetworkDescription

  /// - Throws: `RunError` for a file that cannot be read, or does not take the run's images.
  init(_ source: Configuration.ONNXSource, for settings: Configuration) throws {
    let file = try source.read(for: settings, key: "teacher")
    self.source = source
    network = GraphNetwork(file.graph)
    description = NetworkDescription(name: source.file.url.lastPathComponent, file.graph)
  }

  /// What the teacher's signal depends on beside the batches.
  /// - Throws: `DataError` where the file cannot be read.
  func facts() throws -> [RecordingHeader.Fact] {
    let taps = source.taps.sorted { $0.key < $1.key }.map { "\($0.key) is \($0.value)" }.joined(separator: ", ")
    return [
      .init("teacher's file \(RecordingHeader.fileFact)", try Digest.sha256.hex(of: source.file.url)),
      .init("teacher's taps", taps),
    ]
  }
}

extension Configuration.ONNXSource {
  /// The file, read for a run's images.
  /// - Throws: `RunError`.
  func read(for settings: Configuration, key: String) throws -> ONNXFile {
    let taps = taps.sorted { $0.key < $1.key }.map { Graph.Tap(name: $0.key, value: $0.value) }
    do {
      return try ONNXFile(file.url, inputShape: settings.data.set.inputShape, namedTaps: taps)
    } catch let error as ONNXError {
      throw RunError("\(key).onnx: \(file.url.displayName): \(error.problem)")
    }
  }
}
