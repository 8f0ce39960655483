// Golden values that PyTorch computed (Tests/Golden/make_golden.py), and how they are compared.

import Foundation
import Testing
import Torch

/// A file of PyTorch's tensors, read afresh by each test since a tensor belongs to one thread.
struct NetworkGolden {
  let tensors: [String: Tensor]

  init(_ name: String) throws {
    tensors = try Safetensors.read(NetworkGolden.file(name)).tensors
  }

  static func file(_ name: String) throws -> URL {
    try #require(
      Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Golden"),
      "no golden file \(name); Tests/Golden/make_golden.py writes it")
  }

  subscript(name: String) -> Tensor {
    get throws { try #require(tensors[name], "the golden file holds no '\(name)'") }
  }
}

/// The largest difference as a part of the largest expected magnitude; infinite where shapes differ or a value is NaN.
func relativeError(_ actual: Tensor, _ expected: Tensor) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  let wanted = expected.elements(as: Double.self)
  let scale = wanted.reduce(0) { max($0, abs($1)) }
  let differences = zip(actual.elements(as: Double.self), wanted).map { abs($0 - $1) }
  guard differences.allSatisfy({ $0.isFinite }) else { return .infinity }
  return (differences.max() ?? 0) / (scale == 0 ? 1 : scale)
}
