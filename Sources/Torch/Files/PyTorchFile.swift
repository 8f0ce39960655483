// What torch.save wrote: the tensors in it, read without running anything.

import Files
import Foundation

/// A PyTorch checkpoint (`.pth`, `.pt`, `.bin`), of which a state dictionary is read and all else left alone.
///
/// Both containers are read, the zip file of PyTorch 1.6 and later and the stream of pickles before it; a file's first bytes
/// tell which it is, never its name. Its pickles are data here: classes and functions that they name become objects that
/// say what they would be made from, and only those that make tensors are understood. Everything about a tensor is checked
/// against the bytes that are there before any are copied.
package struct PyTorchFile {
  /// The state dictionary's tensors.
  package let entries: [String: TensorEntry]
  private let tensors: [String: PickledTensor]
  private let storages: PyTorchStorages
  private let file: URL

  /// - Parameter key: which dictionary to read where there are several, its keys joined by dots; nil for the only one.
  /// - Throws: `TensorFileError` for a damaged file, one of another kind, and one that holds no or several dictionaries.
  package init(_ file: URL, key: String? = nil) throws {
    self.file = file
    do {
      let data = try Data(contentsOf: file, options: .alwaysMapped)
      let (root, storages) = try PyTorchFile.open(data)
      let found = try StateDictionary.find(in: root, key: key)
      self.storages = storages
      tensors = try found.tensors.mapValues { try PickledTensor($0) }
      try PyTorchFile.checkRoom(for: tensors.values, in: data.count)
      entries = tensors.mapValues { TensorEntry(dtype: $0.dtype, shape: $0.shape) }
    } catch let error as CocoaError {
      throw TensorFileError(file: file.path, problem: "cannot be read: \(systemReason(error))")
    } catch {
      throw TensorFileError(file: file.path, problem: "\(error)")
    }
  }

  /// A tensor, copied to the CPU, its elements in the order of its shape.
  /// - Throws: `TensorFileError` where there is none, or its bytes are missing or damaged.
  package func tensor(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw TensorFileError(file: file.path, problem: "holds no '\(name)'") }
    do {
      return try tensor.made(from: try storages.bytes(of: tensor.storage))
    } catch let error as TorchError {
      throw TensorFileError(file: file.path, problem: "'\(name)' cannot be made: \(error.message)")
    } catch {
      throw TensorFileError(file: file.path, problem: "'\(name)': \(error)")
    }
  }

  private static func open(_ data: Data) throws -> (Pickle.Value, PyTorchStorages) {
    let isZip = FileKind(head: data.prefix(FileKind.headLength))?.isZip ?? false
    return isZip ? try ZippedCheckpoint.open(data) : try LegacyStream.open(data)
  }

  /// Refuses views that share bytes so often that copies of them would take no end of memory.
  private static func checkRoom(for tensors: some Sequence<PickledTensor>, in fileSize: Int) throws {
    var room = 64 * fileSize + 1 << 26
    for tensor in tensors {
      room -= tensor.byteCount
      guard room >= 0 else { throw PyTorchProblem("its tensors would take more than 64 times the file's size") }
    }
  }
}

/// What is wrong with a checkpoint, without the file's name.
struct PyTorchProblem: Error, CustomStringConvertible {
  let description: String

  init(_ problem: String) { description = problem }
}

/// The bytes that tensors are views of, by their keys.
protocol PyTorchStorages {
  /// All of a storage's bytes.
  /// - Throws: where they are missing, damaged or not as many as the storage says.
  func bytes(of storage: PickledStorage) throws -> Data
}

/// The zip file that PyTorch 1.6 and later write: `NAME/data.pkl`, and `NAME/data/KEY` for each storage.
private struct ZippedCheckpoint: PyTorchStorages {
  private let archive: ZipArchive
  private let top: String

  static func open(_ data: Data) throws -> (Pickle.Value, PyTorchStorages) {
    let archive = try ZipArchive(data)
    guard let name = archive.names.first(where: { $0.hasSuffix("/data.pkl") && $0.count { $0 == "/" } == 1 }),
      let pickle = try archive.contents(of: name)
    else { throw PyTorchProblem("is a zip archive without data.pkl, no PyTorch checkpoint") }
    let checkpoint = ZippedCheckpoint(archive: archive, top: String(name.dropLast("data.pkl".count)))
    if archive.names.contains(checkpoint.top + "constants.pkl") {
      throw PyTorchProblem(
        "is a TorchScript program; save the network's state_dict(), or use it as an exported teacher")
    }
    if let order = try archive.contents(of: checkpoint.top + "byteorder"), order != Data("little".utf8) {
      throw PyTorchProblem("was written on a big-endian machine, which is not read")
    }
    return (try Pickle(pickle, constructors: nil).root, checkpoint)
  }

  func bytes(of storage: PickledStorage) throws -> Data {
    guard let bytes = try archive.contents(of: "\(top)data/\(storage.key)") else {
      throw PyTorchProblem("the file lacks its storage \(Pickle.printable(storage.key))")
    }
    guard bytes.count == storage.byteCount else {
      throw PyTorchProblem("its storage has \(bytes.count) bytes and should have \(storage.byteCount)")
    }
    return bytes
  }
}

/// What PyTorch wrote before 1.6: five pickles, and then each storage's length and bytes.
private struct LegacyStream: PyTorchStorages {
  private let ranges: [String: Range<Int>]
  private let data: Data

  /// The first pickle: a number that no other file begins with.
  static let start = Data([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E])

  static func open(_ data: Data) throws -> (Pickle.Value, PyTorchStorages) {
    guard data.starts(with: start) else { throw PyTorchProblem("is a pickle, but not one that torch.save wrote") }
    var rest = data.dropFirst(start.count)
    func next() throws -> Pickle {
      let pickle = try Pickle(rest, constructors: nil)
      rest = rest.dropFirst(pickle.length)
      return pickle
    }
    guard try next().root.integer == 1001 else {
      throw PyTorchProblem("is of a version of torch.save's that is not read")
    }
    guard try next().root["little_endian"]?.flag != false else {
      throw PyTorchProblem("was written on a big-endian machine, which is not read")
    }
    let object = try next()
    guard let keys = try next().root.items?.map(\.text) else { throw PyTorchProblem("lacks the list of its storages") }
    let sizes = try elementSizes(in: object)
    var ranges: [String: Range<Int>] = [:]
    for key in keys {
      // Of each storage the number of elements comes first; how large one is says whoever uses it.
      guard let key, let size = sizes[key], ranges[key] == nil, rest.count >= 8 else {
        throw PyTorchProblem("is truncated, or lists a storage that nothing in it uses")
      }
      let count = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      rest = rest.dropFirst(8)
      let (bytes, overflow) = Int(truncatingIfNeeded: count).multipliedReportingOverflow(by: size)
      guard count < UInt64(Int.max), !overflow, bytes <= rest.count else { throw PyTorchProblem("is truncated") }
      ranges[key] = rest.startIndex..<rest.startIndex + bytes
      rest = rest.dropFirst(bytes)
    }
    return (object.root, LegacyStream(ranges: ranges, data: data))
  }

  /// By storage, the bytes of an element, as whoever uses it says.
  private static func elementSizes(in pickle: Pickle) throws -> [String: Int] {
    var sizes: [String: Int] = [:]
    for id in pickle.persistentIDs {
      guard let storage = try? PickledStorage(id) else { continue }
      let size = storage.dtype?.byteCount ?? 1
      guard sizes[storage.key] ?? size == size else { throw PyTorchProblem("has two types for one storage") }
      sizes[storage.key] = size
    }
    return sizes
  }

  func bytes(of storage: PickledStorage) throws -> Data {
    guard let range = ranges[storage.key] else {
      throw PyTorchProblem("the file lacks its storage \(Pickle.printable(storage.key))")
    }
    guard range.count == storage.byteCount else {
      throw PyTorchProblem("its storage has \(range.count) bytes and should have \(storage.byteCount)")
    }
    return data[range]
  }
}
