// A recording's header in its file: `recording.json`, or `recording-unfinished.json` until all batches are there.

import CZlib
import Files
import Foundation

extension Recording {
  static let headerName = "recording.json"
  static let unfinishedHeaderName = "recording-unfinished.json"

  static func headerFile(_ folder: URL) -> URL { folder.appending(path: headerName) }

  static func unfinishedHeaderFile(_ folder: URL) -> URL { folder.appending(path: unfinishedHeaderName) }

  /// Whether a recording's header has its final name.
  package static func isFinished(in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: headerFile(folder).path)
  }

  private struct Document: Codable {
    let recording: RecordingHeader
    let checksum: String
  }

  /// Writes the header of a recording that begins, unless another process was first.
  static func begin(_ header: RecordingHeader, in folder: URL) throws {
    let document = Document(recording: header, checksum: checksum(of: try encode(header)))
    let data = try encode(document) + Data("\n".utf8)
    do throws(SystemError) {
      _ = try AtomicFile.create(data, at: unfinishedHeaderFile(folder))
    } catch {
      throw RecordingError(folder, "\(headerName) cannot be written: \(error)")
    }
  }

  /// Makes a finished recording one that lacks its further epochs, where the header is that of more. The shards that are
  /// there belong to both.
  static func prolong(to header: RecordingHeader, in folder: URL) throws {
    guard let finished = try readHeader(folder, headerName), header.prolongs(finished) else { return }
    try begin(header, in: folder)
    // Killed before this it is the shorter one still, and begins anew here.
    guard unlink(headerFile(folder).path) != 0, errno != ENOENT else { return }
    throw RecordingError(folder, "\(headerName) cannot be removed: \(systemReason(errno))")
  }

  /// Gives the header its final name. Another process may do so at the same time.
  static func finishHeader(in folder: URL) throws {
    let (unfinished, final) = (unfinishedHeaderFile(folder).path, headerFile(folder).path)
    guard rename(unfinished, final) != 0 else { return }
    let code = errno
    guard code == ENOENT, FileManager.default.fileExists(atPath: final) else {
      throw RecordingError(folder, "\(headerName) cannot be written: \(systemReason(code))")
    }
  }

  /// nil where the folder holds no recording.
  static func readHeader(_ folder: URL) throws -> RecordingHeader? {
    // Once more by the final name, which another process may have given it after the first look.
    for name in [headerName, unfinishedHeaderName, headerName] {
      if let header = try readHeader(folder, name) { return header }
    }
    return nil
  }

  private static func readHeader(_ folder: URL, _ name: String) throws -> RecordingHeader? {
    let data: Data
    do {
      data = try Data(contentsOf: folder.appending(path: name))
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      return nil
    } catch {
      throw RecordingError(folder, "\(name) cannot be read: \(systemReason(error))")
    }
    guard let document = try? JSONDecoder().decode(Document.self, from: data),
      document.checksum == checksum(of: try encode(document.recording))
    else { throw RecordingError(folder, "\(name) is damaged; record again") }
    guard document.recording.version == 1 else {
      throw RecordingError(folder, "its layout has version \(document.recording.version), this Kindred reads version 1")
    }
    guard document.recording.batches.isPossible else {
      throw RecordingError(folder, "\(name) says that it holds no batches, or impossible ones; record again")
    }
    guard document.recording.teacher.isPossible, document.recording.shapes?.isPossible ?? true else {
      throw RecordingError(folder, "\(name) says that its teacher gives impossible shapes; record again")
    }
    return document.recording
  }

  private static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  private static func checksum(of data: Data) -> String { data.withUnsafeBytes { checksum(of: $0) } }

  /// CRC-32 as eight hexadecimal digits.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> String {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    let digits = String(crc32_z(0, start, bytes.count), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
