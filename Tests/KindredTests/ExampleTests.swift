// The Swift that README and guides show is that of the snippets, which are compiled.

import Foundation
import Testing

@Suite struct ExampleTests {
  private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// What a snippet shows: all of it but what it hides.
  private func shown(_ snippet: String) throws -> String {
    var isHidden = false
    let lines = try text("Snippets/\(snippet).swift").split(separator: "\n", omittingEmptySubsequences: false)
    let shown = lines.filter { line in
      if line.hasPrefix("// snippet.") { isHidden = line == "// snippet.hide" }
      return !isHidden && !line.hasPrefix("// snippet.")
    }
    return shown.joined(separator: "\n").trimmingCharacters(in: .newlines)
  }

  @Test(arguments: [
    ("README.md", "DistilTextures"), ("Sources/Kindred/Kindred.docc/WritingALoss.md", "OwnLoss"),
    ("Sources/KindredVision/KindredVision.docc/WritingANetwork.md", "OwnNetwork"),
    ("Sources/KindredVision/KindredVision.docc/AProgramOfOnesOwn.md", "OwnProgram"),
  ])
  func examplesAreTheSnippets(page: String, snippet: String) throws {
    let blocks = try text(page).matches(of: /```swift\n((?:(?!```).*\n)*)```/).map { String($0.1) }
    let code = blocks.map { $0.trimmingCharacters(in: .newlines) }.joined(separator: "\n\n")
    #expect(code.contains(try shown(snippet)), "\(page) does not show Snippets/\(snippet).swift")
  }
}
