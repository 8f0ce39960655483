// A Markdown document as what a reader does with it: files to write, lines to type, and Python to run.

import Foundation

/// The blocks of a document that can be followed, in their order.
struct Document {
  enum Block {
    /// A YAML file by its name, or a part of one where the text names none.
    case file(name: String?, text: String)
    /// Lines for a shell.
    case shell(String)
    case python(String)
  }

  let name: String
  private(set) var blocks: [Block] = []

  /// - Parameter name: its path in the checkout.
  init(_ name: String) throws {
    self.name = name
    let text = try String(contentsOf: Checkout.url.appending(path: name), encoding: .utf8)
    read(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
  }

  private mutating func read(_ lines: [String]) {
    var rest = lines[...]
    var paragraph: [String] = []
    while let line = rest.first {
      if line.hasPrefix("```") {
        let body = rest.dropFirst().prefix { !$0.hasPrefix("```") }
        rest = rest.dropFirst(body.count + 2)
        append(fenced: body.joined(separator: "\n"), String(line.dropFirst(3)), after: paragraph)
        paragraph = []
      } else if line.hasPrefix("    "), paragraph.last?.isEmpty == true {
        let body = rest.prefix { $0.hasPrefix("    ") || $0.isEmpty }
        rest = rest.dropFirst(body.count)
        append(indented: body.map { String($0.dropFirst(4)) }.joined(separator: "\n"))
        paragraph = [""]
      } else {
        if !line.isEmpty, paragraph.last?.isEmpty == true { paragraph = [] }
        paragraph.append(line)
        rest = rest.dropFirst()
      }
    }
  }

  private mutating func append(fenced text: String, _ language: String, after paragraph: [String]) {
    switch language {
    case "yaml":
      // What Kubernetes reads is not for this command.
      guard !text.hasPrefix("apiVersion:") else { return }
      let name = paragraph.joined(separator: " ").matches(of: /`([\w-]+\.yaml)`/).last.map { String($0.1) }
      blocks.append(.file(name: name, text: text + "\n"))
    case "sh", "bash": blocks.append(.shell(text))
    case "python": blocks.append(.python(text))
    default: break
    }
  }

  /// What is indented is to be typed where it begins with a command; other such blocks are formulas and drawings of folders.
  private mutating func append(indented text: String) {
    let first = text.prefix { !$0.isWhitespace }
    if ["kindred", "make", "export", "for", "torchrun", "python3"].contains(String(first)) {
      blocks.append(.shell(text))
    }
  }
}

/// The checkout that the tests were built in.
enum Checkout {
  static let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: url.appending(path: path), encoding: .utf8)
  }
}
