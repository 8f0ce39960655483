// Files that data sets are made of: finding them, and reading them only when their size is right.

import Files
import Foundation

enum DataFile {
  /// A folder in which a set may lie, and its files there, each under one of some names.
  struct Place {
    let folder: URL
    let files: [[String]]
    /// Whether what is looked for are folders of files.
    var areFolders = false
  }

  /// The files in the first place that has all of them: never some of one place and some of another.
  /// - Parameters:
  ///   - root: the folder that the places belong to.
  ///   - list: the places, in the words of the message.
  /// - Throws: `DataError`, which says what was looked for, where, and how to get it.
  static func locate(
    _ set: String, below root: URL, in places: [Place], list: String
  ) throws -> (place: Int, files: [URL]) {
    let plain = places.map { place in place.files.map { file($0, in: place.folder) { isThere($0, in: place) } } }
    if let whole = plain.firstIndex(where: { !$0.contains(nil) }) { return (whole, plain[whole].compactMap { $0 }) }
    // What is no plain file in the set's own folder is refused when it is read.
    let first = places[0].files.map {
      file($0, in: places[0].folder) { FileManager.default.fileExists(atPath: $0.path) }
    }
    if !first.contains(nil) { return (0, first.compactMap { $0 }) }
    let closed = places.map(\.folder).first { access($0.path, F_OK) == 0 && access($0.path, R_OK | X_OK) != 0 }
    if let problem = problem(of: closed ?? root) { throw DataError("\(set): \(problem); \(DataSet.fetchAdvice(set))") }
    if let part = plain.firstIndex(where: { $0.contains { $0 != nil } }), let gap = plain[part].firstIndex(of: nil) {
      throw DataError(
        "\(set): no \(wanted(places[part].files[gap])) in \(places[part].folder.path), which has others of its "
          + "files; \(DataSet.fetchAdvice(set))")
    }
    throw DataError("\(set): no \(wanted(places[0].files[0])) in \(list); \(DataSet.fetchAdvice(set))")
  }

  private static func isThere(_ file: URL, in place: Place) -> Bool {
    place.areFolders ? ListedImages.isFolder(file.path) : (try? size(of: file)) != nil
  }

  private static func file(_ names: [String], in folder: URL, _ isThere: (URL) -> Bool) -> URL? {
    names.map { folder.appendingPathComponent($0) }.first(where: isThere)
  }

  private static func wanted(_ names: [String]) -> String { names.joined(separator: " or ") }

  /// Why nothing can lie in a folder, nil where it can be looked into.
  private static func problem(of folder: URL) -> String? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      return "there is no folder \(folder.path)"
    }
    guard isFolder.boolValue else { return "\(folder.path) is no folder" }
    return access(folder.path, R_OK | X_OK) == 0 ? nil : "\(folder.path) may not be read"
  }

  /// The size of a plain file.
  static func size(of file: URL) throws -> Int {
    var status = stat()
    guard stat(file.path, &status) == 0 else {
      throw DataError("\(file.path): cannot be read: \(systemReason(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw DataError("\(file.path): not a plain file") }
    return Int(status.st_size)
  }

  /// What a file is that cannot be a set's, where its first bytes tell and there is a remedy.
  static func stranger(_ file: URL) -> DataError? {
    guard let kind = FileKind(of: file), let remedy = kind.remedy, file.pathExtension != "gz" || kind != .gzip else {
      return nil
    }
    return DataError("\(file.path): is \(kind.name), no file of images or labels; \(remedy)")
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
      throw stranger(file)
        ?? DataError(
          file, at: found, "truncated: it ends within record \(found / unit) of \(size / unit), \(size) bytes expected")
    }
    guard found == size else { throw DataError(file, at: size, "wrong size: \(found) bytes, \(size) expected") }
    let bytes = try read(file)
    guard bytes.count == size else { throw DataError(file, at: bytes.count, "changed while it was read") }
    return bytes
  }
}
