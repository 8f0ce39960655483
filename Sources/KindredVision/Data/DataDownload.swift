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
/// A file that is there and right is left alone. An interrupted download stays as `.partial` and is resumed.
/// Every file is checked against its published MD5 sum before it takes its name.
public struct DataDownload: Sendable {
  /// What a finished download did.
  public enum Outcome: Sendable, Equatable {
    /// The set's folder already held everything.
    case alreadyThere(URL)
    /// What was missing is now in the set's folder.
    case fetched(URL)
  }

  private let name: DataSetName
  private let folder: URL
  private let base: URL
  private let files: [PublishedFile]
  private let patience: Int

  /// - Parameters:
  ///   - name: the set; `textures` is drawn and never fetched.
  ///   - folder: the folder of sets; the set gets a folder of its own name in it.
  ///   - base: the address of the folder the files lie in, if not their publisher's.
  public init(_ name: DataSetName, into folder: URL, from base: URL? = nil) {
    self.init(name, into: folder, from: base ?? PublishedFile.base(of: name), files: PublishedFile.files(of: name))
  }

  /// - Parameter patience: the seconds without a byte after which a server is given up.
  init(_ name: DataSetName, into folder: URL, from base: URL, files: [PublishedFile], patience: Int = 30) {
    self.patience = patience
    (self.name, self.folder, self.base, self.files) = (
      name, folder.appendingPathComponent(name.rawValue, isDirectory: true), base, files
    )
  }

  /// Fetches what is missing; returns when all is there.
  /// - Throws: `DataError` in one line: what the server said, what the disk said, or a wrong checksum.
  public func run(progress: @escaping (DownloadProgress) -> Void = { _ in }) throws -> Outcome {
    guard !files.isEmpty else { throw DataError("\(name.rawValue) is drawn by Kindred: there is nothing to fetch") }
    let missing = files.filter { !$0.isPresent(in: folder) }
    guard !missing.isEmpty, !isInAnotherLayout else { return .alreadyThere(folder) }
    let before = Folder.nearest(to: folder)
    do {
      for file in missing {
        let target = folder.appendingPathComponent(file.name)
        try fetch(file, to: target, progress)
        if let unpacked = file.unpackedFolder { try unpack(target, as: unpacked) }
      }
    } catch {
      Folder.removeEmpty(folder, below: before)
      throw error
    }
    return .fetched(folder)
  }

  /// Whether the set is where its reader finds it, but not as this download would leave it.
  private var isInAnotherLayout: Bool {
    let sets = folder.deletingLastPathComponent()
    switch name {
    case .textures: return false
    case .cifar10, .cifar100:
      return files.allSatisfy { $0.isPresent(in: sets) } || CIFARReader(name).hasPythonFiles(in: sets)
    case .mnist, .fashionMNIST:
      return IDXReader(name).namedFolders(in: sets).contains { place in files.allSatisfy { $0.isPresent(in: place) } }
    }
  }

  private func fetch(_ file: PublishedFile, to target: URL, _ progress: @escaping (DownloadProgress) -> Void) throws {
    // An archive that was fetched, and whose unpacking was interrupted.
    if (try? Digest.md5.hex(of: target)) == file.md5 { return }
    let partial = target.appendingPathExtension("partial")
    let transfer = FileTransfer(
      from: base.appendingPathComponent(file.name), to: partial, patience: patience
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
    do throws(SystemError) {
      try Folder.make(workplace)
    } catch {
      throw DataError("\(workplace.path): cannot be made: \(error)")
    }
    try Tar.unpack(archive, into: workplace)
    let result = workplace.appendingPathComponent(unpacked.folder)
    guard unpacked.isComplete(result) else {
      throw DataError("\(archive.path): does not hold the files of \(name.rawValue)")
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
  /// What an archive unpacks to: its folder, and the sizes of the files in it.
  struct Unpacked: Sendable {
    let folder: String
    let sizes: [String: Int]

    func isComplete(_ folder: URL) -> Bool {
      sizes.allSatisfy { name, size in (try? DataFile.size(of: folder.appendingPathComponent(name))) == size }
    }
  }

  let name: String
  let md5: String
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

  static func base(of name: DataSetName) -> URL {
    switch name {
    case .cifar10, .cifar100, .textures: return URL(string: "https://www.cs.toronto.edu/~kriz/")!
    case .mnist: return URL(string: "https://ossci-datasets.s3.amazonaws.com/mnist/")!
    case .fashionMNIST: return URL(string: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")!
    }
  }

  static func files(of name: DataSetName) -> [PublishedFile] {
    switch name {
    case .cifar10: return [archive("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", CIFARReader(name))]
    case .cifar100: return [archive("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", CIFARReader(name))]
    case .mnist:
      return idx([
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
      ])
    case .fashionMNIST:
      return idx([
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
      ])
    case .textures: return []
    }
  }

  private static func archive(_ name: String, _ md5: String, _ reader: CIFARReader) -> PublishedFile {
    let files = DataSplit.allCases.flatMap { split in
      reader.fileNames(split).map { ($0, reader.fileBytes(split)) }
    }
    let unpacked = Unpacked(folder: reader.archiveFolder(), sizes: Dictionary(uniqueKeysWithValues: files))
    return PublishedFile(name: name, md5: md5, unpackedFolder: unpacked)
  }

  /// The four files of an IDX set; the sums are those of training images and labels, test images and labels.
  private static func idx(_ sums: [String]) -> [PublishedFile] {
    let reader = IDXReader(.mnist)
    let files = DataSplit.allCases.flatMap { split in
      let bytes = reader.fileBytes(split)
      return [(reader.imagesName(split), bytes.images), (reader.labelsName(split), bytes.labels)]
    }
    return zip(files, sums).map { PublishedFile(name: $0.0 + ".gz", md5: $1, plainBytes: $0.1) }
  }
}

/// The system's `tar`.
private enum Tar {
  static func unpack(_ archive: URL, into folder: URL) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tar", "-xzf", archive.path, "-C", folder.path]
    process.standardInput = FileHandle.nullDevice
    let complaints = Pipe()
    process.standardError = complaints
    do {
      try process.run()
    } catch {
      throw DataError("\(archive.path): tar cannot be started: \(systemReason(error))")
    }
    let said = complaints.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let line = String(decoding: said, as: UTF8.self).split(separator: "\n").first.map(String.init)
      throw DataError("\(archive.path): cannot be unpacked: \(line ?? "tar ended with \(process.terminationStatus)")")
    }
  }
}
