// ONNX files that PyTorch exports while the tests run: they are too large to be committed.

import Foundation

/// The folder that Tests/Golden/make_onnx.py fills, made once for all tests of a process.
package enum ONNXFiles {
  /// Why there are no such files here; nil where they can be made.
  package static var obstacle: String? { Python.obstacle }

  /// One of the files.
  /// - Throws: what the script said, where it failed.
  package static func file(_ name: String) throws -> URL { try made.get().appending(path: name) }

  /// The outputs of a file for one and for all of the `images` in another, as ONNX Runtime computes them, under `NAME.COUNT`,
  /// after onnx.checker has seen it.
  /// - Throws: what was said, where it failed.
  package static func run(_ file: URL, on images: URL, into output: URL) throws {
    try Python.run([script("run_onnx").path, file.path, images.path, output.path])
  }

  private static func script(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Golden/\(name).py").standardizedFileURL
  }

  private static let made = Result { try make() }

  private static func make() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindred-onnx-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    atexit { ONNXFiles.remove() }
    try Python.run([script("make_onnx").path, "make", folder.path])
    return folder
  }

  private static func remove() {
    if let folder = try? made.get() { try? FileManager.default.removeItem(at: folder) }
  }
}
