// The network that a configuration trains: one of the zoo, or one that came in an ONNX file.

import Kindred
import KindredVision

/// Where a student's computation comes from.
package enum ConfiguredNetwork: Sendable, Equatable {
  /// A network of the catalogue.
  case zoo(Architecture)
  /// A network in a file, with the weights that lie there.
  case onnx(Configuration.ONNXSource)

  /// The network of the catalogue; nil for a file's.
  package var architecture: Architecture? {
    if case .zoo(let architecture) = self { architecture } else { nil }
  }

  /// What it is called in tables and files.
  package var name: String {
    switch self {
    case .zoo(let architecture): architecture.name
    case .onnx(let source): source.file.url.lastPathComponent
    }
  }

  /// What is known of it for images of a shape.
  /// - Throws: `ConfigurationError` for a file that cannot be read, or does not take such images.
  package func facts(image: [Int]) throws -> NetworkFacts {
    switch self {
    case .zoo(let architecture): architecture.facts(image: image)
    case .onnx(let source): try source.inspection(image: image).facts
    }
  }

  /// What is to be known of a file before its network is trained, a line each.
  /// - Throws: as `facts`.
  package func remarks(image: [Int]) throws -> [String] {
    switch self {
    case .zoo: []
    case .onnx(let source): try source.inspection(image: image).remarks.map { "\(name): \($0)" }
    }
  }
}
