// What an image file says of itself.

import Files
import Foundation

/// The kinds of image that are read.
public enum ImageKind: String, Sendable, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webP = "WebP"

  /// Told by the first bytes; a file's name says nothing.
  /// - Throws: `ImageError` for a file of another kind.
  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webP
    } else {
      throw ImageError("is no JPEG, PNG or WebP image (\(ImageKind.found(bytes)))")
    }
  }

  private static func found(_ bytes: UnsafeRawBufferPointer) -> String {
    guard !bytes.isEmpty else { return "it is empty" }
    guard let kind = FileKind(head: Data(bytes.prefix(FileKind.headLength))) else {
      let digits = bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      return "its first bytes are \(digits.joined(separator: " "))"
    }
    return "its first bytes are those of \(kind.name)" + (kind.remedy.map { "; \($0)" } ?? "")
  }
}

/// What a file says of itself before it is decoded.
public struct ImageHeader: Sendable, Equatable {
  /// What the file is by its first bytes.
  public let kind: ImageKind
  /// Width in pixels as shown, after the orientation that a camera noted.
  public let width: Int
  /// Height in pixels as shown.
  public let height: Int
}
