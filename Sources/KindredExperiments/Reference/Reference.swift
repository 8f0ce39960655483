// The pages of `docs/reference`, made from what the code declares: `kindred reference` writes them, and a test holds them to it.

import Files
import Foundation

/// The reference: a page a subject, in Markdown.
package enum Reference {
  /// A page and the name of its file.
  package struct Page: Sendable {
    package let file: String
    package let text: String
  }

  /// - Parameter experiments: the folder `Experiments`, whose studies and tables have the accuracies.
  /// - Throws: `RunError` for a key of a file that has no line, or a table that cannot be read; `ConfigurationError`.
  package static func pages(experiments: URL) throws -> [Page] {
    let numbers = try Numbers(experiments: experiments)
    return [
      Page(file: "settings.md", text: settings()), Page(file: "methods.md", text: methods(numbers)),
      Page(file: "networks.md", text: networks(numbers)), Page(file: "data.md", text: data()),
      Page(file: "files.md", text: files()),
    ]
  }

  /// Writes all pages into a folder.
  /// - Parameter experiments: as `pages`.
  /// - Returns: their files.
  /// - Throws: as `pages`; `RunError` with the system's reason.
  package static func write(to folder: URL, experiments: URL) throws -> [URL] {
    let pages = try pages(experiments: experiments)
    do {
      try Folder.make(folder)
      return try pages.map { page in
        let file = folder.appending(path: page.file)
        try AtomicFile.write(Data(page.text.utf8), to: file)
        return file
      }
    } catch let error as SystemError {
      throw RunError("\(folder.displayName) cannot be written: \(error)")
    }
  }
}

/// A page of Markdown as it grows.
struct MarkdownPage {
  private(set) var text: String

  init(_ title: String, _ introduction: String...) {
    text = "# \(title)\n"
    for paragraph in introduction { paragraphs(paragraph) }
    paragraphs("This page is written by `kindred reference docs/reference` from what the code declares.")
  }

  mutating func heading(_ title: String, level: Int = 2) {
    text += "\n\(String(repeating: "#", count: level)) \(title)\n"
  }

  mutating func paragraphs(_ texts: String...) {
    for paragraph in texts { text += "\n\(paragraph)\n" }
  }

  mutating func list(_ items: [String]) {
    text += "\n" + items.map { "- \($0)\n" }.joined()
  }

  mutating func code(_ lines: String) { text += "\n```text\n\(lines)\n```\n" }

  mutating func table(_ head: [String], _ rows: [[String]]) {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    text += "\n" + line(head) + "|" + head.map { _ in "---|" }.joined() + "\n" + rows.map(line).joined()
  }
}

extension String {
  /// As code.
  var code: String { "`\(self)`" }
}

extension Int {
  /// With a comma between thousands.
  var grouped: String {
    let digits = String(self)
    let commas = digits.indices.filter { index in
      index != digits.startIndex && digits.distance(from: index, to: digits.endIndex) % 3 == 0
    }
    return commas.reversed().reduce(into: digits) { $0.insert(",", at: $1) }
  }
}
