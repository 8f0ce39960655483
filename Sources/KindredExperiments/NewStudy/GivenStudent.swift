// A student as somebody names it: a network, a file, or how small it is to be.

import Foundation
import Graph
import Kindred
import KindredVision

/// The student of a study that is to be written.
package enum GivenStudent: Sendable, Equatable {
  /// A network of the zoo.
  case network(Architecture)
  /// A network in an ONNX file.
  case onnx(ConfiguredFile)
  /// The network of the zoo that makes the most of a limit.
  case within(NetworkLimit)

  /// - Parameter text: a name of the zoo, an ONNX file, or a limit such as `200 kB`, `30 M` or `5 ms`.
  /// - Throws: `RunError` for what is none of them.
  package init(_ text: String) throws {
    if let architecture = Architecture(name: text) {
      self = .network(architecture)
    } else if let limit = NetworkLimit(text) {
      self = .within(limit)
    } else if case let file = ConfiguredFile(typed: text), FileManager.default.fileExists(atPath: file.url.path) {
      guard ONNXFile.isOne(file.url) else {
        throw RunError("\(file.url.displayName) is no ONNX file; a student is one, or a network of the zoo")
      }
      self = .onnx(file)
    } else {
      let advice = Spelling.advice(
        for: text, among: Architecture.suggestedNames,
        else: "name a network ('kindred networks'), an ONNX file, or a limit: '200 kB', '30 M' multiply-adds, '5 ms'")
      throw RunError("there is no network or file '\(text)'; \(advice)")
    }
  }
}
