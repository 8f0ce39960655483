// The safetensors file format: eight bytes of header length, a JSON header, the tensors' bytes.

import Files
import Foundation

/// Tensors by name in a safetensors file.
///
/// Reading trusts nothing: lengths are checked against the file before anything is allocated.
public enum Safetensors {
  /// The largest header that is read, the format's own bound.
  private static let headerLimit = 100_000_000

  /// What the header says of one tensor.
  public struct Entry: Sendable, Equatable {
    /// The type of its elements.
    public let dtype: DType
    /// Its shape.
    public let shape: [Int]
    /// The tensor's bytes, counted from the end of the header.
    public let range: Range<Int>
  }

  /// All tensors of a file, on the CPU, and its metadata.
  /// - Throws: `TensorFileError`, naming the file and what is wrong in it.
  public static func read(_ file: URL) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
    let mapped = try SafetensorsFile(file)
    let tensors = try mapped.entries.keys.map { ($0, try mapped.tensor($0)) }
    return (Dictionary(uniqueKeysWithValues: tensors), mapped.metadata)
  }

  /// Only the header's entries: names, types and shapes.
  /// - Throws: `TensorFileError`.
  public static func entries(of file: URL) throws -> [String: Entry] { try open(file).entries }

  /// Only the header's metadata.
  /// - Throws: `TensorFileError`.
  public static func metadata(of file: URL) throws -> [String: String] { try open(file).metadata }

  /// Writes a file that is whole or not there: to a neighbouring `.partial` file first, which is then renamed. Links are
  /// followed, devices and pipes written into.
  /// - Throws: `TensorFileError` when it cannot be written.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to file: URL) throws {
    let data = try encode(tensors, metadata: metadata)
    do {
      try AtomicFile.write(data, to: file)
    } catch {
      throw TensorFileError(file: file.path, problem: "cannot be written: \(error)")
    }
  }

  /// The bytes of a file: names sorted, the header padded with spaces to a multiple of eight bytes.
  package static func encode(_ tensors: [String: Tensor], metadata: [String: String] = [:]) throws -> Data {
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var body = Data()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let bytes = tensor.bytes()
      header[name] = [
        "dtype": tensor.dtype.safetensorsName, "shape": tensor.shape,
        "data_offsets": [body.count, body.count + bytes.count],
      ]
      body.append(contentsOf: bytes)
    }
    var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
    return length + json + body
  }

  static func open(_ file: URL) throws -> (entries: [String: Entry], metadata: [String: String], body: Data) {
    let data: Data
    var status = stat()
    if stat(file.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
      throw TensorFileError(file: file.path, problem: "is \(kind), not a safetensors file")
    }
    do {
      data = try Data(contentsOf: file, options: .alwaysMapped)
    } catch {
      throw TensorFileError(file: file.path, problem: "cannot be read: \(systemReason(error))")
    }
    do {
      let (entries, metadata, start) = try header(of: data)
      return (entries, metadata, data[(data.startIndex + start)...])
    } catch let problem as HeaderProblem {
      throw TensorFileError(file: file.path, problem: stranger(data) ?? problem.text)
    }
  }

  /// What a file is that is no safetensors file, and what to do; nil where only its bytes tell.
  private static func stranger(_ data: Data) -> String? {
    guard let kind = FileKind(head: data.prefix(FileKind.headLength)), kind != .safetensors else { return nil }
    let remedy = kind.isPyTorch ? "save its state_dict with safetensors.torch.save_file" : kind.remedy
    return "is \(kind.name), no safetensors file" + (remedy.map { "; \($0)" } ?? "")
  }

  private struct HeaderProblem: Error { let text: String }

  private static func header(
    of data: Data
  ) throws -> (entries: [String: Entry], metadata: [String: String], start: Int) {
    guard data.count >= 8 else {
      throw HeaderProblem(text: "has \(data.count) bytes; a safetensors file has at least 8")
    }
    let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(headerLimit), Int(length) <= data.count - 8 else {
      throw HeaderProblem(text: "is truncated or no safetensors file: its header would take \(length) bytes")
    }
    let start = 8 + Int(length)
    let json = data[(data.startIndex + 8)..<(data.startIndex + start)]
    guard let object = try? JSONSerialization.jsonObject(with: json), let header = object as? [String: Any] else {
      throw HeaderProblem(text: "has a header that is not a JSON object")
    }
    let entries = try entries(of: header, bodyCount: data.count - start)
    return (entries, header["__metadata__"] as? [String: String] ?? [:], start)
  }

  private static func entries(of header: [String: Any], bodyCount: Int) throws -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for (name, value) in header where name != "__metadata__" {
      entries[name] = try entry(name, value, bodyCount: bodyCount)
    }
    var end = 0
    // By both ends, since an empty tensor starts where the one after it does.
    for (name, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        throw HeaderProblem(text: "tensor '\(name)' starts at byte \(entry.range.lowerBound), not at \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == bodyCount else {
      throw HeaderProblem(text: "is truncated or damaged: its tensors take \(end) bytes, it holds \(bodyCount)")
    }
    return entries
  }

  private static func entry(_ name: String, _ value: Any, bodyCount: Int) throws -> Entry {
    guard let fields = value as? [String: Any], let code = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
    else { throw HeaderProblem(text: "tensor '\(name)' lacks dtype, shape or data_offsets") }
    guard let dtype = DType(safetensorsName: code) else {
      throw HeaderProblem(text: "tensor '\(name)' has element type \(code), which is not supported")
    }
    guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= bodyCount else {
      throw HeaderProblem(text: "is truncated: tensor '\(name)' lies at bytes \(offsets) of \(bodyCount)")
    }
    var size = dtype.byteCount
    for length in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else {
        throw HeaderProblem(text: "tensor '\(name)' has the impossible shape \(shape)")
      }
      size = product
    }
    guard size == offsets[1] - offsets[0] else {
      throw HeaderProblem(
        text: "tensor '\(name)' of shape \(shape) takes \(size) bytes, its offsets say \(offsets[1] - offsets[0])")
    }
    return Entry(dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
  }
}

extension DType {
  var safetensorsName: String {
    switch self {
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    case .bool: "BOOL"
    }
  }

  init?(safetensorsName name: String) {
    guard let dtype = DType.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
    self = dtype
  }
}
