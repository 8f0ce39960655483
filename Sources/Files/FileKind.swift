// What a file is by its first bytes: people name the wrong one, and a download gives a page in place of a network.

import Foundation

/// A kind of file that is not the one that was asked for, in the words of a message.
package struct FileKind: Sendable, Equatable {
  /// What the file is, such as "a web page (HTML)".
  package let name: String
  /// How to get the right file, where that does not depend on what is wanted.
  package let remedy: String?
  /// Whether PyTorch wrote it, and another function of PyTorch's would write the right one.
  package let isPyTorch: Bool
  /// Whether it is a zip archive of some kind.
  package let isZip: Bool

  /// A network in ONNX's form.
  package static let onnx = FileKind("an ONNX file")

  /// - Returns: nil for a file that cannot be read or is of no known kind.
  package init?(of file: URL) {
    guard let handle = try? FileHandle(forReadingFrom: file) else { return nil }
    defer { try? handle.close() }
    // Nothing to read is an empty file; a folder and the like fail.
    guard let head = try? handle.read(upToCount: FileKind.headLength) ?? Data() else { return nil }
    self.init(head: head)
  }

  /// - Parameter head: a file's first bytes, all of them or some hundreds at least.
  package init?(head: Data) {
    let head = [UInt8](head.prefix(FileKind.headLength))
    guard !head.isEmpty else {
      self = FileKind.empty
      return
    }
    guard let kind = FileKind.table.first(where: { $0.matches(head) })?.kind else { return nil }
    self = kind
  }

  private init(_ name: String, _ remedy: String? = nil, isPyTorch: Bool = false, isZip: Bool = false) {
    (self.name, self.remedy, self.isPyTorch, self.isZip) = (name, remedy, isPyTorch, isZip)
  }

  /// Enough for a name in an archive's first entry and for tar's mark.
  package static let headLength = 512
  private static let again = "copy or download it again"
  private static let empty = FileKind("an empty file", again)
  package static let gzip = FileKind("a gzip file", "unpack it first")
  package static let text = FileKind("a text file")
  package static let json = FileKind("a JSON file")
  package static let safetensors = FileKind("a safetensors file")

  private struct Row: Sendable {
    let kind: FileKind
    let matches: @Sendable ([UInt8]) -> Bool
  }

  /// The first row that matches counts.
  private static let table: [Row] = [
    Row(kind: FileKind("a file of zeros", again)) { $0.allSatisfy { $0 == 0 } },
    Row(kind: FileKind("a git-lfs pointer", "run git lfs pull")) {
      $0.starts(with: Array("version https://git-lfs".utf8))
    },
    Row(kind: FileKind("a web page (HTML)", "download the file itself")) { head in
      let text = String(decoding: head, as: UTF8.self).lowercased().drop { $0.isWhitespace || $0 == "\u{FEFF}" }
      return ["<!doctype html", "<html", "<head", "<body"].contains { text.hasPrefix($0) }
    },
    Row(kind: FileKind("an XML file")) { $0.starts(with: Array("<?xml".utf8)) },
    Row(kind: .safetensors) { head in
      head.count > 9 && head[4..<8].allSatisfy { $0 == 0 } && head[8] == UInt8(ascii: "{")
    },
    Row(kind: FileKind("a PyTorch file (zip)", isPyTorch: true, isZip: true)) { isZip($0) && holds("/data.pkl", $0) },
    Row(kind: FileKind("a NumPy archive (npz)", isZip: true)) { isZip($0) && holds(".npy", $0) },
    Row(kind: FileKind("a zip archive", "unpack it first", isZip: true)) {
      isZip($0) || $0.starts(with: Array("PK\u{5}\u{6}".utf8))
    },
    Row(kind: FileKind("a pickle, as older PyTorch saved", isPyTorch: true)) { head in
      head.count > 2 && head[0] == 0x80 && (2...5).contains(head[1])
    },
    Row(kind: .gzip) { $0.starts(with: [0x1F, 0x8B]) },
    row("an xz file", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "unpack it first"),
    row("a zstd file", [0x28, 0xB5, 0x2F, 0xFD], "unpack it first"),
    row("a bzip2 file", Array("BZh".utf8), "unpack it first"),
    Row(kind: FileKind("a tar archive", "unpack it first")) {
      $0.count >= 262 && $0[257..<262].elementsEqual("ustar".utf8)
    },
    row("an HDF5 file, as Keras saves", [0x89] + Array("HDF\r\n".utf8)),
    row("a NumPy file", [0x93] + Array("NUMPY".utf8)),
    row("a PNG image", [0x89] + Array("PNG".utf8)),
    row("a JPEG image", [0xFF, 0xD8, 0xFF]),
    Row(kind: FileKind("a WebP image")) {
      $0.starts(with: Array("RIFF".utf8)) && $0.dropFirst(8).starts(with: Array("WEBP".utf8))
    },
    row("a GIF image", Array("GIF8".utf8)),
    row("a TIFF image", Array("II*\0".utf8)),
    row("a TIFF image", Array("MM\0*".utf8)),
    Row(kind: FileKind("a BMP image")) { head in
      head.count > 9 && head.starts(with: Array("BM".utf8)) && head[6..<10].allSatisfy { $0 == 0 }
    },
    Row(kind: FileKind("an AVIF, HEIC or MP4 file")) { $0.dropFirst(4).starts(with: Array("ftyp".utf8)) },
    row("a GGUF file", Array("GGUF".utf8)),
    Row(kind: FileKind("a TensorFlow Lite file")) { $0.count > 8 && $0[4..<8].elementsEqual("TFL3".utf8) },
    row("a program or library (ELF)", [0x7F] + Array("ELF".utf8)),
    // Protocol buffers have no mark: the version of the format comes first, then a producer, a graph or operators.
    Row(kind: onnx) { head in
      head.count > 3 && head[0] == 0x08 && (1...32).contains(head[1])
        && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(head[2])
    },
    Row(kind: .json) { head in
      let text = String(decoding: head, as: UTF8.self).filter { !$0.isWhitespace }
      return ["{\"", "{}", "[{", "[\"", "[["].contains { text.hasPrefix($0) }
    },
    Row(kind: .text) { head in
      // Where there is more, the last character may be cut.
      (0...(head.count < headLength ? 0 : 3)).contains { String(data: Data(head.dropLast($0)), encoding: .utf8) != nil }
        && head.allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0D].contains($0) }
    },
  ]

  private static func row(_ name: String, _ mark: [UInt8], _ remedy: String? = nil) -> Row {
    Row(kind: FileKind(name, remedy)) { $0.starts(with: mark) }
  }

  private static func isZip(_ head: [UInt8]) -> Bool { head.starts(with: [0x50, 0x4B, 3, 4]) }

  /// Whether the first bytes of a zip file, where its first entry's name stands, hold a word.
  private static func holds(_ word: String, _ head: [UInt8]) -> Bool {
    String(decoding: head, as: UTF8.self).contains(word)
  }
}
