// A safetensors file of which only what is asked for is read.

import Foundation

/// An open safetensors file, mapped into memory: opening it reads the header, and each tensor's pages are read when
/// it is asked for.
package struct SafetensorsFile {
  package let entries: [String: Safetensors.Entry]
  package let metadata: [String: String]
  private let file: URL
  private let body: Data

  /// - Throws: `TensorFileError`, naming the file and what is wrong in it.
  package init(_ file: URL) throws {
    self.file = file
    (entries, metadata, body) = try Safetensors.open(file)
  }

  /// Calls `read` with a tensor's bytes, in row-major order of its shape.
  /// - Throws: `TensorFileError` where the file holds no such tensor, and whatever `read` throws.
  package func withBytes<Result>(
    of name: String, _ read: (UnsafeRawBufferPointer, Safetensors.Entry) throws -> Result
  ) throws -> Result {
    guard let entry = entries[name] else { throw TensorFileError(file: file.path, problem: "holds no '\(name)'") }
    let start = body.startIndex
    return try body[(start + entry.range.lowerBound)..<(start + entry.range.upperBound)]
      .withUnsafeBytes { try read($0, entry) }
  }

  /// A tensor, copied to the CPU.
  /// - Throws: `TensorFileError` where there is none or it cannot be made.
  package func tensor(_ name: String) throws -> Tensor {
    do {
      return try withBytes(of: name) { bytes, entry in
        try withTorchErrors { Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype) }
      }
    } catch let error as TorchError {
      throw TensorFileError(file: file.path, problem: "holds a tensor that cannot be made: \(error.message)")
    }
  }
}
