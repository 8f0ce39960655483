// The files of CIFAR's archives for Python: a pickled dictionary with a NumPy array of planes and a list of labels.

import Files
import Foundation

/// A file's labels, and its images' planes one image after another.
struct CIFARPickle {
  let labels: [Int32]
  let planes: Data

  /// NumPy before and since its version 2, which names its own parts otherwise.
  private static let arrays: Set = ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"]
  private static let constructors = arrays.union(["numpy.ndarray", "numpy.dtype"])

  /// - Throws: `DataError` for whatever is not what the authors published, be it a program.
  init(_ file: URL, of set: (name: String, classes: Int), records: Int) throws {
    let root = try CIFARPickle.root(of: file, limit: 1 << 20 + 8 * records * CIFARReader.imageBytes)
    let key = set.classes == 10 ? "labels" : "fine_labels"
    guard root.entries != nil else { throw DataError("\(file.path): holds \(root.kind), a dict expected") }
    guard let labels = root[key], let items = labels.items, items.count == records else {
      throw DataError("\(file.path): '\(key)' is \(CIFARPickle.summary(root[key])), a list of \(records) expected")
    }
    let classes = set.classes
    self.labels = try items.enumerated().map { record, item in
      guard let label = item.integer, (0..<classes).contains(label) else {
        let found = item.integer.map { "label \($0)" } ?? "the label"
        throw DataError(
          "\(file.path): \(found) of record \(record) is out of range, \(set.name) has \(classes) classes")
      }
      return Int32(label)
    }
    guard let data = root["data"], let planes = CIFARPickle.bytes(of: data, shape: [records, CIFARReader.imageBytes])
    else {
      throw DataError(
        "\(file.path): 'data' is \(CIFARPickle.summary(root["data"])), an array of \(records) x "
          + "\(CIFARReader.imageBytes) bytes expected")
    }
    self.planes = planes
  }

  private static func root(of file: URL, limit: Int) throws -> Pickle.Value {
    let size = try DataFile.size(of: file)
    guard size <= limit else {
      throw DataError(file, at: limit, "wrong size: \(size) bytes, at most \(limit) expected")
    }
    let bytes = try DataFile.read(file)
    do {
      return try Pickle(bytes, constructors: constructors).root
    } catch let error as PickleError {
      // The oldest pickles are text themselves.
      if let kind = FileKind(head: bytes), !kind.isPyTorch, kind != .text {
        throw DataError("\(file.path): is \(kind.name), no pickle" + (kind.remedy.map { "; \($0)" } ?? ""))
      }
      throw DataError("\(file.path): \(error)")
    }
  }

  /// The bytes of an array of `uint8` in rows, as NumPy gives its state: version, shape, type, order and bytes.
  private static func bytes(of value: Pickle.Value, shape: [Int]) -> Data? {
    guard let (constructor, _, state) = value.object, arrays.contains(constructor), let parts = state?.items,
      parts.count == 5, parts[1].items?.map(\.integer) == shape, let type = parts[2].object, !type.arguments.isEmpty,
      type.constructor == "numpy.dtype", ["u1", "uint8"].contains(type.arguments[0].text),
      parts[3].flag == false || parts[3].integer == 0, let bytes = parts[4].bytes, bytes.count == shape.reduce(1, *)
    else { return nil }
    return bytes
  }

  private static func summary(_ value: Pickle.Value?) -> String {
    guard let value else { return "missing" }
    if arrays.contains(value.object?.constructor ?? "") { return "another array" }
    return value.kind + (value.items.map { " of \($0.count)" } ?? "")
  }
}
