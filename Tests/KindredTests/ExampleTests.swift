// The README's table of methods is the catalogue's, and its examples are the snippets that are compiled.

import Foundation
import Kindred
import Testing

@Suite struct MethodTableTests {
  private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func row<M: Method>(_ type: M.Type) -> String {
    let card = M.card
    let usual = M.usualLayersText.map { " (\($0))" } ?? ""
    let keys = M.settings.map { "`\($0.key)`" + ($0.key == "layers" ? usual : "") }.joined(separator: ", ")
    let cells = [
      "`\(card.name)`", card.paper, card.compares, card.trains ?? "-", card.weightText, keys.isEmpty ? "-" : keys,
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  @Test func everyMethodHasItsRow() throws {
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    for method in Methods.all {
      let row = row(method)
      #expect(readme.contains(row), "the README's table of methods wants this row: \(row)")
    }
  }

  @Test func examplesAreTheSnippets() throws {
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let snippet = try String(contentsOf: root.appending(path: "Snippets/DistilTextures.swift"), encoding: .utf8)
    let shown = snippet.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("// snippet.") }
    #expect(readme.contains(shown.joined(separator: "\n").trimmingCharacters(in: .newlines)))
  }
}
