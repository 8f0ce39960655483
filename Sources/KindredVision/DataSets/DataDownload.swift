// Fetching a data set from those who publish it: checked, resumable, and whole or not there.

import Files
import Foundation

/// How far the download of one file has come.
public struct DownloadProgress: Sendable, Equatable {
  /// The file's name.
  public let file: String
  /// Bytes on disk by now, those of an earlier, interrupted download included.
  public let received: Int
  /// The file's size, if the server tells it.
  public let total: Int?
}

/// Fetches one of the known sets into a folder of sets.
///
/// A file that is there and right is left alone. An interrupted download stays as `.partial` and is resumed; one that cannot
/// be, as the file is not offered, has another checksum or no room, leaves nothing.
/// Every file is checked against its published MD5 sum before it takes its name.
public struct DataDownload: Sendable {
  /// What a finished download did.
  public enum Outcome: Sendable, Equatable {
    /// The set's folder already held everything.
    case alreadyThere(URL)
    /// What was missing is now in the set's folder.
    case fetched(URL)
  }

  private let name: String
  private let folder: URL
  private let base: URL?
  private let publication: Publication?
  private let patience: Int

  /// - Parameters:
  ///   - set: one that is published; `textures` is drawn and never fetched.
  ///   - folder: the folder of sets; the set gets a folder of its own name in it.
  ///   - base: the address of the folder the files lie in, if not their publisher's.
  public init(_ set: DataSet, into folder: URL, from base: URL? = nil) {
    self.init(set.name, into: folder, from: base, set.publication)
  }

  /// - Parameter patience: the seconds without a byte after which a server is given up.
  init(_ name: String, into folder: URL, from base: URL?, _ publication: Publication?, patience: Int = 30) {
    (self.name, self.base, self.publication, self.patience) = (name, base, publication, patience)
    self.folder = folder.appendingPathComponent(name, isDirectory: true)
  }

  /// Fetches what is missing; returns when all is there.
  /// - Throws: `DataError` in one line: what the server said, what the disk said, or a wrong checksum.
  public func run(progress: @escaping (DownloadProgress) -> Void = { _ in }) throws -> Outcome {
    guard let publication else { throw DataError("\(name) is drawn by Kindred: there is nothing to fetch") }
    let missing = publication.files.filter { !$0.isPresent(in: folder) }
    guard !missing.isEmpty, !publication.isInAnotherLayout(folder.deletingLastPathComponent()) else {
      return .alreadyThere(folder)
    }
    let before = Folder.nearest(to: folder.deletingLastPathComponent())
    do {
      for file in missing {
        let target = folder.appendingPathComponent(file.name)
        try fetch(file, from: address(of: file, publication), to: target, progress)
        if let unpacked = file.unpackedFolder { try unpack(target, as: unpacked) }
      }
    } catch {
      Folder.removeEmpty(folder, below: before)
      throw error
    }
    return .fetched(folder)
  }

  private func address(of file: PublishedFile, _ publication: Publication) -> URL {
    if base == nil, let address = file.address { return address }
    return (base ?? publication.base).appendingPathComponent(file.name)
  }

  private func fetch(
    _ file: PublishedFile, from address: URL, to target: URL, _ progress: @escaping (DownloadProgress) -> Void
  ) throws {
    // An archive that was fetched, and whose unpacking was interrupted.
    if (try? Digest.md5.hex(of: target)) == file.md5 { return }
    let partial = target.appendingPathExtension("partial")
    let transfer = FileTransfer(
      from: address, to: partial, patience: patience
    ) { received, total in progress(DownloadProgress(file: file.name, received: received, total: total)) }
    try transfer.run()
    let found = try Digest.md5.hex(of: partial)
    guard found == file.md5 else {
      try? FileManager.default.removeItem(at: partial)
      throw DataError(
        "\(file.name): wrong checksum, MD5 \(found) instead of \(file.md5); the file was deleted, run the command again"
      )
    }
    try move(partial, to: target)
  }

  /// Unpacks beside the target, so that the folder appears whole; the archive is then no longer needed.
  private func unpack(_ archive: URL, as unpacked: PublishedFile.Unpacked) throws {
    let workplace = folder.appendingPathComponent("unpacking.partial")
    try? FileManager.default.removeItem(at: workplace)
    defer { try? FileManager.default.removeItem(at: workplace) }
    let result = workplace.appendingPathComponent(unpacked.folder)
    let place = unpacked.isInArchive ? workplace : result
    do throws(SystemError) {
      try Folder.make(place)
    } catch {
      throw DataError("\(place.path): cannot be made: \(error)")
    }
    try Unpacking.unpack(archive, into: place)
    guard unpacked.isComplete(result) else {
      throw DataError("\(archive.path): does not hold the files of \(name)")
    }
    let target = folder.appendingPathComponent(unpacked.folder)
    try? FileManager.default.removeItem(at: target)
    try move(result, to: target)
    try? FileManager.default.removeItem(at: archive)
  }

  private func move(_ source: URL, to target: URL) throws {
    guard rename(source.path, target.path) == 0 else {
      throw DataError("\(target.path): cannot be written: \(systemReason(errno))")
    }
  }
}

/// A file as its publisher offers it.
struct PublishedFile: Sendable {
  /// What an archive unpacks to: its folder, and by what it is known to be whole.
  struct Unpacked: Sendable {
    let folder: String
    /// Whether the archive has that folder in it; the files of one that has none are put into it.
    var isInArchive = true
    /// The sizes of files.
    var sizes: [String: Int] = [:]
    /// How many images folders have.
    var imageCounts: [String: Int] = [:]

    func isComplete(_ folder: URL) -> Bool {
      sizes.allSatisfy { name, size in (try? DataFile.size(of: folder.appendingPathComponent(name))) == size }
        && imageCounts.allSatisfy { ListedImages.count(in: folder.appendingPathComponent($0)) == $1 }
    }
  }

  let name: String
  let md5: String
  /// Where it lies, if not under its name in the publisher's folder.
  var address: URL?
  /// For an archive, what is in it.
  var unpackedFolder: Unpacked?
  /// For a compressed file, the size of the plain one that serves as well.
  var plainBytes: Int?

  /// Whether this file, or what comes out of it, is in the set's folder and right.
  func isPresent(in folder: URL) -> Bool {
    if let unpackedFolder {
      return [folder, folder.appendingPathComponent(unpackedFolder.folder)].contains(where: unpackedFolder.isComplete)
    }
    let file = folder.appendingPathComponent(name)
    let plain = file.deletingPathExtension()
    if let plainBytes, let found = try? DataFile.size(of: plain), found == plainBytes { return true }
    return (try? Digest.md5.hex(of: file)) == md5
  }
}

/// The system's `tar` and `unzip`.
private enum Unpacking {
  static func unpack(_ archive: URL, into folder: URL) throws {
    let command =
      archive.pathExtension == "zip"
      ? ["unzip", "-q", "-o", archive.path, "-d", folder.path] : ["tar", "-xzf", archive.path, "-C", folder.path]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    let complaints = Pipe()
    process.standardError = complaints
    do {
      try process.run()
    } catch {
      throw DataError("\(archive.path): \(command[0]) cannot be started: \(systemReason(error))")
    }
    let said = complaints.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let line = String(decoding: said, as: UTF8.self).split(separator: "\n").first.map(String.init)
      throw DataError(
        "\(archive.path): cannot be unpacked: \(line ?? "\(command[0]) ended with \(process.terminationStatus)")")
    }
  }
}
