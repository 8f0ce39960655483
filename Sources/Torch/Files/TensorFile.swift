// A file of tensors of any kind that weights come in.

import Files
import Foundation

/// What a file says of a tensor.
public struct TensorEntry: Sendable, Equatable {
  /// The type of its elements.
  public let dtype: DType
  /// The length of each axis.
  public let shape: [Int]
}

/// Tensors by name, in a safetensors file or a PyTorch checkpoint: which one it is say its first bytes, not its name.
public struct TensorFile {
  private let form: Form

  private enum Form {
    case safetensors(SafetensorsFile)
    case pyTorch(PyTorchFile)
  }

  /// Reads what there is; tensors are read when they are asked for.
  ///
  /// `key` says which dictionary of a PyTorch checkpoint to read where it holds several; nil is for the only one.
  /// - Throws: `TensorFileError`.
  public init(_ file: URL, key: String? = nil) throws {
    // Of other zip files the reader of checkpoints says more than that they are no safetensors file.
    if let kind = FileKind(of: file), kind.isPyTorch || kind.isZip {
      form = .pyTorch(try PyTorchFile(file, key: key))
    } else {
      form = .safetensors(try SafetensorsFile(file))
    }
  }

  /// Whether a file's first bytes are those of a kind that is read.
  package static func isOne(_ file: URL) -> Bool {
    FileKind(of: file).map { $0 == .safetensors || $0.isPyTorch || $0.isZip } ?? false
  }

  /// What there is, by name.
  public var entries: [String: TensorEntry] {
    switch form {
    case .safetensors(let file): file.entries.mapValues { TensorEntry(dtype: $0.dtype, shape: $0.shape) }
    case .pyTorch(let file): file.entries
    }
  }

  /// What the file says of itself; a PyTorch checkpoint says nothing.
  public var metadata: [String: String] {
    if case .safetensors(let file) = form { file.metadata } else { [:] }
  }

  /// A tensor, copied to the CPU.
  /// - Throws: `TensorFileError` where there is none or it cannot be made.
  public func tensor(_ name: String) throws -> Tensor {
    switch form {
    case .safetensors(let file): try file.tensor(name)
    case .pyTorch(let file): try file.tensor(name)
    }
  }

  /// All of them.
  /// - Throws: `TensorFileError` where one cannot be made.
  public func tensors() throws -> [String: Tensor] {
    try Dictionary(uniqueKeysWithValues: entries.keys.map { ($0, try tensor($0)) })
  }
}

/// A file of tensors that cannot be read or written.
public struct TensorFileError: Error, CustomStringConvertible, Sendable {
  /// The path of the file.
  public let file: String
  /// What is wrong, and what to do where that is known.
  public let problem: String

  package init(file: String, problem: String) {
    self.file = file
    self.problem = problem
  }

  public var description: String { "\(file): \(problem)" }
}
