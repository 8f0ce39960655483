// The tensors of ONNX files: in the file itself, or in another one beside it.

import Foundation
import Torch

/// Reads a file's tensors.
struct ONNXTensorReader {
  /// The folder that external data lie in; they may not leave it.
  let folder: URL

  /// - Throws: `ONNXProblem` for data that do not fit the shape, or of a type that is not known.
  func tensor(_ data: ONNXTensorData) throws -> Tensor {
    let name = data.name.isEmpty ? "a constant" : "the tensor '\(data.name)'"
    guard let kind = ONNXElement(rawValue: data.dataType) else {
      throw ONNXProblem("\(name) is of ONNX's element type \(data.dataType), which is not known here")
    }
    let shape = try ONNXTensorReader.shape(data.dims, name)
    let count = shape.reduce(1, *)
    let bytes = try self.bytes(data, kind, count, name)
    guard bytes.count == count * kind.dtype.byteCount else {
      throw ONNXProblem(
        "\(name) of shape \(shape) should have \(count * kind.dtype.byteCount) bytes, and has \(bytes.count)")
    }
    return bytes.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: kind.dtype) }
  }

  /// Lengths whose product is no more than memory can hold.
  private static func shape(_ dims: [Int64], _ name: String) throws -> [Int] {
    var product = 1
    for length in dims {
      let (next, overflows) = product.multipliedReportingOverflow(by: Int(length))
      guard length >= 0, !overflows, next <= 1 << 38, dims.count <= 16 else {
        throw ONNXProblem("\(name) has the shape \(dims), which cannot be")
      }
      product = next
    }
    return dims.map(Int.init)
  }

  /// In row-major order and little-endian, wherever they stand.
  private func bytes(_ data: ONNXTensorData, _ kind: ONNXElement, _ count: Int, _ name: String) throws -> Data {
    if data.dataLocation == .external { return try external(data, count * kind.dtype.byteCount, name) }
    if data.hasRawData { return data.rawData }
    switch kind {
    case .float: return Data(of: data.floatData)
    case .double: return Data(of: data.doubleData)
    case .int64: return Data(of: data.int64Data)
    case .int32: return Data(of: data.int32Data)
    case .uint8, .bool: return Data(data.int32Data.map { UInt8(truncatingIfNeeded: $0) })
    case .int8: return Data(of: data.int32Data.map { Int8(truncatingIfNeeded: $0) })
    case .float16, .bfloat16: return Data(of: data.int32Data.map { UInt16(truncatingIfNeeded: $0) })
    }
  }

  private func external(_ data: ONNXTensorData, _ byteCount: Int, _ name: String) throws -> Data {
    let facts = Dictionary(data.externalData.map { ($0.key, $0.value) }) { $1 }
    guard let location = facts["location"], !location.isEmpty else {
      throw ONNXProblem("\(name) does not say its file")
    }
    let file = folder.appending(path: location).standardizedFileURL.resolvingSymlinksInPath()
    let home = folder.standardizedFileURL.resolvingSymlinksInPath()
    guard !location.hasPrefix("/"), file.path.hasPrefix(home.path + "/") else {
      throw ONNXProblem("\(name) lies in '\(location)', outside of the file's own folder: that is not read")
    }
    let (offset, length) = (Int(facts["offset"] ?? "0") ?? -1, facts["length"].map { Int($0) ?? -1 } ?? byteCount)
    guard offset >= 0, length == byteCount else {
      throw ONNXProblem("\(name) should have \(byteCount) bytes, and \(location) is said to hold \(length)")
    }
    guard let handle = try? FileHandle(forReadingFrom: file) else {
      throw ONNXProblem("\(name) lies in \(location), which cannot be opened; keep it beside the ONNX file")
    }
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    let bytes = try handle.read(upToCount: length) ?? Data()
    guard bytes.count == length else { throw ONNXProblem("\(location) ends within \(name); it may be cut off") }
    return bytes
  }
}

/// ONNX's element types that Kindred has.
enum ONNXElement: Int32 {
  case float = 1
  case uint8 = 2
  case int8 = 3
  case int32 = 6
  case int64 = 7
  case bool = 9
  case float16 = 10
  case double = 11
  case bfloat16 = 16

  var dtype: DType {
    switch self {
    case .float: .float32
    case .uint8: .uint8
    case .int8: .int8
    case .int32: .int32
    case .int64: .int64
    case .bool: .bool
    case .float16: .float16
    case .double: .float64
    case .bfloat16: .bfloat16
    }
  }
}

extension Data {
  /// The bytes of numbers as they lie in memory.
  fileprivate init<Number>(of numbers: [Number]) {
    self = numbers.withUnsafeBytes { Data($0) }
  }
}
