// What is wrong with an ONNX file.

import Foundation

/// An ONNX file that cannot be read or run.
public struct ONNXError: Error, CustomStringConvertible, Sendable {
  /// The file.
  public let file: URL
  /// What is wrong with it, and what to do.
  public let problem: String

  init(_ file: URL, _ problem: String) {
    self.file = file
    self.problem = problem
  }

  public var description: String { "\(file.lastPathComponent): \(problem)" }
}

/// A problem whose file is not known yet.
struct ONNXProblem: Error {
  let text: String

  init(_ text: String) { self.text = text }
}
