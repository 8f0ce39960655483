// Where a file lands that is written to a path.

import Foundation

/// What a path leads to once symbolic links are followed. Paths are bytes here: a link may hold any.
struct Destination {
  private static let linkLimit = 40

  /// As C takes it, with the zero at its end.
  let path: [CChar]
  /// A plain file, or none yet; anything else is no file that could be replaced.
  let isPlain: Bool
  /// Whether another path was asked for.
  let isLinked: Bool

  var name: String { String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) }

  /// - Throws: `SystemError` for a folder, links in a circle, or where the folder of it is not there.
  init(_ asked: String) throws(SystemError) {
    var next = Array(asked.utf8CString)
    for hop in 0..<Destination.linkLimit {
      let folder = try Destination.folder(of: next)
      let found = folder.dropLast() + [slash] + Destination.lastPart(of: next)
      var status = stat()
      let isThere = lstat(found, &status) == 0
      guard isThere || errno == ENOENT else { throw SystemError(errno) }
      let kind = status.st_mode & S_IFMT
      let isSystems = Destination.isOfTheSystem(folder)
      if isThere, kind == S_IFDIR { throw SystemError(EISDIR) }
      // The system's own links, such as /dev/stdout, may lead to what has no path.
      if isThere, kind == S_IFLNK, !isSystems {
        next = try Destination.target(of: found, in: folder)
        continue
      }
      path = found
      isPlain = !isSystems && (!isThere || kind == S_IFREG)
      isLinked = hop > 0
      return
    }
    throw SystemError(ELOOP)
  }

  /// The folder of a path, free of links.
  private static func folder(of path: [CChar]) throws(SystemError) -> [CChar] {
    let parent = path.lastIndex(of: slash).map { Array(path[...$0]) + [0] } ?? Array(".".utf8CString)
    guard let real = realpath(parent, nil) else { throw SystemError(errno) }
    defer { free(real) }
    return Array(UnsafeBufferPointer(start: real, count: strlen(real) + 1))
  }

  private static func lastPart(of path: [CChar]) -> [CChar] {
    path.lastIndex(of: slash).map { Array(path[($0 + 1)...]) } ?? path
  }

  private static func target(of link: [CChar], in folder: [CChar]) throws(SystemError) -> [CChar] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink(link, &buffer, buffer.count - 1)
    guard length >= 0 else { throw SystemError(errno) }
    let target = Array(buffer[..<length]) + [0]
    return target.first == slash ? target : folder.dropLast() + [slash] + target
  }

  /// Whether a folder holds devices or what processes have open. Shared memory lies there too, and holds plain files.
  private static func isOfTheSystem(_ folder: [CChar]) -> Bool {
    func isBelow(_ other: String) -> Bool {
      let start = Array(other.utf8CString.dropLast())
      return folder.starts(with: start) && (folder[start.count] == 0 || folder[start.count] == slash)
    }
    return isBelow("/proc") || (isBelow("/dev") && !isBelow("/dev/shm"))
  }
}

private let slash = CChar(UInt8(ascii: "/"))
