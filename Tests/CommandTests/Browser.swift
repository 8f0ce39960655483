// Chromium without a window, for pages: what it makes of them, and how they look.

import Foundation
import TestSupport

enum Browser {
  /// Why pages cannot be opened here; nil where they can.
  static let obstacle: String? = program == nil ? "needs Chromium (Debian: apt-get install chromium)" : nil

  private static let program: URL? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let names = ["chromium", "chromium-browser", "google-chrome"]
    return folders.flatMap { folder in names.map { URL(filePath: "\(folder)/\($0)") } }.first {
      FileManager.default.isExecutableFile(atPath: $0.path)
    }
  }()

  /// The document as it is after its scripts have run, and what the console says of it.
  static func open(_ page: URL, in folder: TestFolder) throws -> (document: String, console: [String]) {
    let finished = try run(
      ["--virtual-time-budget=5000", "--enable-logging=stderr", "--v=0", "--dump-dom"], page, folder)
    return (finished.output, finished.errors.split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") })
  }

  /// A PNG file of what is seen.
  static func photograph(_ page: URL, width: Int, height: Int, to file: URL, in folder: TestFolder) throws {
    _ = try run(["--hide-scrollbars", "--window-size=\(width),\(height)", "--screenshot=\(file.path)"], page, folder)
  }

  private static func run(_ options: [String], _ page: URL, _ folder: TestFolder) throws -> Child.Finished {
    guard let program else { preconditionFailure("asked for without a browser") }
    let profile = try folder.folder("profile").path
    let usual = ["--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(profile)"]
    return try Child(program, usual + options + [page.absoluteString], in: folder.url).wait()
  }
}
