// Element types, devices and memory layouts.

import CTorch

/// The type of a tensor's elements. Raw values are libtorch's codes.
public enum DType: Int32, Sendable, CaseIterable, CustomStringConvertible {
  case uint8 = 0
  case int8 = 1
  case int16 = 2
  case int32 = 3
  case int64 = 4
  case float16 = 5
  case float32 = 6
  case float64 = 7
  case bool = 11
  case bfloat16 = 15

  /// The bytes that one element takes.
  public var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .int16, .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// Whether the elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  public var description: String {
    switch self {
    case .uint8: "uint8"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .float16: "float16"
    case .float32: "float32"
    case .float64: "float64"
    case .bool: "bool"
    case .bfloat16: "bfloat16"
    }
  }
}

/// A Swift type that can be a tensor's element.
public protocol TensorElement: Sendable {
  static var dtype: DType { get }
}

extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }

/// Where a tensor's elements lie.
public enum Device: Hashable, Sendable, CustomStringConvertible {
  case cpu
  /// A CUDA device by its index.
  case cuda(Int)

  /// `cpu`, `cuda` or `cuda:1`.
  public init?(name: String) {
    switch name.split(separator: ":", omittingEmptySubsequences: false) {
    case ["cpu"]: self = .cpu
    case ["cuda"]: self = .cuda(0)
    case let parts where parts.count == 2 && parts[0] == "cuda":
      guard let index = Int(parts[1]), index >= 0 else { return nil }
      self = .cuda(index)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    }
  }
}

/// The order of a four-dimensional tensor's elements in memory.
public enum MemoryLayout4D: Int32, Sendable {
  /// N x C x H x W, the last axis varying fastest.
  case contiguous = 0
  /// N x H x W x C in memory, under the same N x C x H x W shape.
  case channelsLast = 2
}

extension ct_options {
  init(_ dtype: DType, _ device: Device) {
    switch device {
    case .cpu: self.init(dtype: dtype.rawValue, device_kind: 0, device_index: 0)
    case .cuda(let index): self.init(dtype: dtype.rawValue, device_kind: 1, device_index: Int32(index))
    }
  }
}
