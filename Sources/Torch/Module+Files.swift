// A module's entries in a file.

import Foundation

extension Module {
  /// This module with the entries of a safetensors file, or of a PyTorch checkpoint's only state dictionary.
  /// - Throws: `TensorFileError` for a file that cannot be read, `StateError` for entries of another module, `BrokenEntry`
  ///   for values that cannot be; nothing is changed then.
  @discardableResult
  public func loaded(from path: String) throws -> Self {
    try load(try TensorFile(URL(filePath: path)).tensors())
    return self
  }

  /// Writes every entry into a safetensors file, which appears whole or not at all.
  /// - Throws: `TensorFileError`.
  public func save(to path: String) throws {
    try Safetensors.write(
      Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.detached()) }), to: URL(filePath: path))
  }
}
