// Files are known by how they begin, as their formats' documents say.

import Files
import Foundation
import TestSupport
import Testing

@Suite struct FileKindTests {
  /// Latin-1 texts: a character a byte.
  @Test(arguments: [
    ("", "an empty file"), ("\0\0\0", "a file of zeros"),
    (
      "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n",
      "a git-lfs pointer"
    ),
    ("\n <HTML><head>", "a web page (HTML)"), ("<!doctype html>", "a web page (HTML)"),
    ("<?xml version", "an XML file"),
    ("\u{58}\0\0\0\0\0\0\0{\"a\":", "a safetensors file"), ("PK\u{3}\u{4}....resnet/data.pkl", "a PyTorch file (zip)"),
    ("PK\u{3}\u{4}....images.npy", "a NumPy archive (npz)"), ("PK\u{3}\u{4}....word", "a zip archive"),
    ("\u{80}\u{2}\u{8A}\n", "a pickle, as older PyTorch saved"), ("\u{1F}\u{8B}\u{8}", "a gzip file"),
    (String(repeating: "a", count: 257) + "ustar", "a tar archive"), ("\u{89}HDF\r\n", "an HDF5 file, as Keras saves"),
    ("\u{93}NUMPY\u{1}", "a NumPy file"), ("\u{89}PNG\r\n", "a PNG image"),
    ("\u{FF}\u{D8}\u{FF}\u{E0}", "a JPEG image"),
    ("RIFF\u{24}\0\0\0WEBPVP8 ", "a WebP image"), ("GIF89a", "a GIF image"), ("II*\0\u{8}", "a TIFF image"),
    ("MM\0*\0", "a TIFF image"), ("BM\u{46}\0\0\0\0\0\0\0\u{36}", "a BMP image"),
    ("BMW, Audi and others", "a text file"),
    ("\0\0\0\u{1C}ftypavif", "an AVIF, HEIC or MP4 file"),
    ("\u{8}\u{8}\u{12}\u{7}pytorch", "an ONNX file"), ("{ \"a\": 1 }", "a JSON file"),
    ("data: {set: cifar-10}\n", "a text file"), ("{set: cifar-10}", "a text file"), ("\u{1}\u{2}", nil),
    ("\u{80}", nil),
  ]) func isKnownByItsFirstBytes(content: String, name: String?) throws {
    let bytes = Data(content.unicodeScalars.map { UInt8($0.value) })
    #expect(FileKind(head: bytes)?.name == name)
    try withTestFolder { folder in
      let file = folder.appending(path: "file")
      try bytes.write(to: file)
      #expect(FileKind(of: file)?.name == name)
    }
  }

  @Test func whatCannotBeReadIsOfNoKind() {
    #expect(FileKind(of: FileManager.default.temporaryDirectory) == nil)
    #expect(FileKind(of: URL(filePath: "/nowhere/at/all")) == nil)
  }
}
