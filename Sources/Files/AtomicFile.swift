// Files that appear whole or not at all.

import Foundation

/// Writes to a `.partial` file beside the target, makes the disk take it, and renames it.
///
/// A symbolic link stays one, and what it leads to is written. Devices and pipes, which a renamed file would replace, are
/// written into.
package enum AtomicFile {
  /// - Parameter isShared: whether other machines may write the same file, to which locks need not reach. What is written
  ///   first then has a name that is no other's, and a killed process leaves it behind.
  /// - Throws: `SystemError`, such as for a full disk; what was there before stays.
  package static func write(_ data: Data, to file: URL, isShared: Bool = false) throws(SystemError) {
    try write(data, to: file) { path throws(SystemError) in
      try replace(path, by: data, partial: isShared ? ownPartial(path) : commonPartial(path)) { rename($0, $1) == 0 }
    }
  }

  /// Writes a file where there is none by that name, of whatever machine. Returns whether it did.
  /// - Throws: `SystemError`.
  package static func create(_ data: Data, at file: URL) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try write(data, to: file) { path throws(SystemError) in
        try replace(path, by: data, partial: ownPartial(path)) { partial, path in
          if link(partial, path) == 0 { return unlink(partial) == 0 }
          // Some shared folders know no second name of a file.
          return [EPERM, ENOSYS, ENOTSUP, EMLINK].contains(errno) && rename(partial, path) == 0
        }
      }
      return true
    } catch  where error.code == EEXIST {
      return false
    }
  }

  private static func write(
    _ data: Data, to file: URL, plainly replace: ([CChar]) throws(SystemError) -> Void
  ) throws(SystemError) {
    let path = file.path(percentEncoded: false)
    let destination = try Destination(path)
    do throws(SystemError) {
      if destination.isPlain { try replace(destination.path) } else { try append(data, to: destination.path) }
    } catch {
      // Where a link leads to is what the reason is about.
      throw destination.isLinked ? SystemError(error.code, at: destination.name) : error
    }
  }

  private static func commonPartial(_ path: [CChar]) -> [CChar] { path.dropLast() + Array(".partial".utf8CString) }

  private static func ownPartial(_ path: [CChar]) -> [CChar] {
    path.dropLast() + Array(".\(String(UInt64.random(in: 0...(.max)), radix: 36)).partial".utf8CString)
  }

  /// - Parameter name: gives the first file the second one's name, and returns whether it could.
  private static func replace(
    _ path: [CChar], by data: Data, partial: [CChar], _ name: ([CChar], [CChar]) -> Bool
  ) throws(SystemError) {
    let descriptor = try openAlone(partial)
    defer { close(descriptor) }
    do throws(SystemError) {
      // One that was killed may have left something. A device has no length.
      guard ftruncate(descriptor, 0) == 0 || errno == EINVAL else { throw SystemError(errno) }
      try write(data, to: descriptor)
      guard fsync(descriptor) == 0, name(partial, path) else { throw SystemError(errno) }
    } catch {
      unlink(partial)
      throw error
    }
  }

  /// Makes a file, or waits until nobody else writes it: two processes may end a comparison in one folder at a time.
  private static func openAlone(_ path: [CChar]) throws(SystemError) -> Int32 {
    while true {
      let descriptor = try openFile(path, O_WRONLY | O_CREAT | O_CLOEXEC)
      // Where there are no locks, there is nothing to wait for.
      while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
      // Whoever had it before has given it its final name.
      if isOpen(path, as: descriptor) { return descriptor }
      close(descriptor)
    }
  }

  private static func append(_ data: Data, to path: [CChar]) throws(SystemError) {
    // By another name it is still this process's own output: what is printed later has to come behind.
    for own in [STDOUT_FILENO, STDERR_FILENO] where isOpen(path, as: own) { return try write(data, to: own) }
    let descriptor = try openFile(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { close(descriptor) }
    try write(data, to: descriptor)
  }

  private static func openFile(_ path: [CChar], _ flags: Int32) throws(SystemError) -> Int32 {
    while true {
      let descriptor = open(path, flags, 0o644)
      if descriptor >= 0 { return descriptor }
      guard errno == EINTR else { throw SystemError(errno) }
    }
  }

  private static func isOpen(_ path: [CChar], as descriptor: Int32) -> Bool {
    var (own, found) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &found) == 0
      && (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)
  }

  /// Writes all of it to an open file.
  package static func write(_ data: Data, to descriptor: Int32) throws(SystemError) {
    var rest = data[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if written < 0 && errno == EAGAIN {
        // A pipe that somebody set so: its reader is behind.
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&request, 1, -1)
      } else if written == 0 || errno != EINTR {
        throw SystemError(written == 0 ? EIO : errno)
      }
    }
  }
}
