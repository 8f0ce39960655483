// Files that data sets are made of: finding them, and reading them only when their size is right.

import Files
import Foundation

enum DataFile {
  /// The first of `names` in the first of `folders` that has one.
  /// - Throws: `DataError`, which says what was looked for, where, and how to get it.
  static func locate(_ names: [String], in folders: [URL], for set: DataSetName) throws -> URL {
    for folder in folders {
      for name in names {
        let file = folder.appendingPathComponent(name)
        if FileManager.default.fileExists(atPath: file.path) { return file }
      }
    }
    let wanted = names.joined(separator: " or ")
    let places = folders.map(\.path).joined(separator: ", ")
    throw DataError("\(set.rawValue): no \(wanted) in \(places); \(set.fetchAdvice)")
  }

  /// The size of a plain file.
  static func size(of file: URL) throws -> Int {
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: file.resolvingSymlinksInPath().path)
      guard attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? NSNumber else {
        throw DataError("\(file.path): not a plain file")
      }
      return size.intValue
    } catch let error as DataError {
      throw error
    } catch {
      throw DataError("\(file.path): cannot be read: \(systemReason(error))")
    }
  }

  static func read(_ file: URL) throws -> Data {
    _ = try size(of: file)
    do {
      return try Data(contentsOf: file)
    } catch {
      throw DataError("\(file.path): cannot be read: \(systemReason(error))")
    }
  }

  /// Reads a file of known size, made of records of `unit` bytes.
  static func read(_ file: URL, size: Int, unit: Int) throws -> Data {
    let found = try DataFile.size(of: file)
    guard found >= size else {
      throw DataError(
        file, at: found, "truncated: it ends within record \(found / unit) of \(size / unit), \(size) bytes expected")
    }
    guard found == size else { throw DataError(file, at: size, "wrong size: \(found) bytes, \(size) expected") }
    let bytes = try read(file)
    guard bytes.count == size else { throw DataError(file, at: bytes.count, "changed while it was read") }
    return bytes
  }
}
