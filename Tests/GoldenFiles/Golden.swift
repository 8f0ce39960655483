// Golden values that PyTorch computed (Tests/Golden/make_golden.py), and how they are compared.

import Foundation
import Torch

/// A file of PyTorch's tensors, read afresh by each test since a tensor belongs to one thread.
package struct Golden {
  package let tensors: [String: Tensor]

  package init(_ name: String) throws { tensors = try Safetensors.read(Golden.file(name)).tensors }

  /// Where a golden file lies, in `Files` or a folder of it.
  package static func file(_ name: String, _ type: String = "safetensors") throws -> URL {
    let file = Bundle.module.bundleURL.appending(path: "Files/\(name).\(type)")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw Missing(description: "no golden file \(name).\(type); a script in Tests/Golden writes it")
    }
    return file
  }

  package subscript(name: String) -> Tensor {
    get throws {
      guard let tensor = tensors[name] else { throw Missing(description: "the golden file holds no '\(name)'") }
      return tensor
    }
  }

  struct Missing: Error, CustomStringConvertible { let description: String }
}

/// The largest difference as a part of the largest expected magnitude; infinite where shapes differ or a value is NaN.
package func relativeError(_ actual: Tensor, _ expected: Tensor) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  let wanted = expected.elements(as: Double.self)
  let scale = wanted.reduce(0) { max($0, abs($1)) }
  let differences = zip(actual.elements(as: Double.self), wanted).map { abs($0 - $1) }
  guard differences.allSatisfy({ $0.isFinite }) else { return .infinity }
  return (differences.max() ?? 0) / (scale == 0 ? 1 : scale)
}
