// SVG documents: what a parser reads in them, whatever stands in names.

import Foundation
import KindredReport
import TestSupport
import Testing

@Suite struct SVGTests {
  private func document(_ elements: [SVGElement], title: String = "") -> SVGDocument {
    SVGDocument(width: 30.5, height: 20, title: title, description: "", elements: elements)
  }

  /// Each with what is to be read.
  @Test(arguments: [
    ("a < b & c > \"d\" 'e'", "a < b & c > \"d\" 'e'"),
    ("</text><script>alert(1)</script>", "</text><script>alert(1)</script>"),
    ("]]> &lt; &#0; <!-- -->", "]]> &lt; &#0; <!-- -->"),
    ("nul\u{0}bell\u{7}escape\u{1B}[31m", "nulbellescape[31m"),
    ("line\r\nbreak\u{2028}tab\tdelete\u{7F}", "linebreaktabdelete"),
    ("right\u{202E}left\u{2066}", "rightleft"), ("no\u{FFFE}character\u{FFFF}", "nocharacter"),
    ("ä 犬 \u{1F469}\u{200D}\u{1F393}", "ä 犬 \u{1F469}\u{200D}\u{1F393}"),
  ])
  func hostileNamesAreReadAsTheyAre(name: String, read: String) throws {
    let svg = try ReadSVG(
      document([.group(title: name, [.text(SVGText(name, at: Point(x: 1, y: 2)))])], title: name))
    #expect(svg.texts == [read])
    #expect(svg["title"].map { $0.text.trimmingCharacters(in: .newlines) } == [read, read])
    #expect(svg["script"].isEmpty)
  }

  @Test func elementsAreWhereTheyWerePut() throws {
    let blue = Paint(stroke: .colour(Colour(0, 9, 255)), width: 2.25, dash: [4, 1.5])
    let svg = try ReadSVG(
      document([
        .path([Point(x: 1.25, y: -0.125), Point(x: 1e3, y: 2)], isClosed: true, blue),
        .rectangle(Box(x: 1, y: 2, width: 3, height: 0.4), Paint(fill: .text, opacity: 0.5)),
      ]))
    let root = svg.elements[0].attributes
    #expect(root["viewBox"] == "0 0 30.5 20" && root["width"] == "30.5" && root["role"] == "img")
    let path = svg["path"][0].attributes
    #expect(path["d"] == "M1.25 -0.13L1000 2Z")
    #expect(path["stroke"] == "#0009ff" && path["stroke-width"] == "2.25" && path["stroke-dasharray"] == "4 1.5")
    #expect(path["fill"] == "none")
    // The first is the page.
    let box = svg["rect"][1].attributes
    #expect([box["x"], box["y"], box["width"], box["height"]] == ["1", "2", "3", "0.4"])
    #expect(box["class"] == "fill-text" && box["fill"] == nil && box["opacity"] == "0.5")
  }

  @Test func textThatDoesNotFitEndsEarlyAndIsKept() throws {
    let name = String(repeating: "honeycombed ", count: 9)
    let svg = try ReadSVG(
      document([
        .text(SVGText(name, at: Point(x: 0, y: 0)), within: 90),
        .text(SVGText("short", at: Point(x: 0, y: 0)), within: 90),
      ]))
    #expect(svg.texts[0].hasPrefix("honeycomb") && svg.texts[0].hasSuffix("…") && svg.texts[0].count < 18)
    #expect(TextWidth.of(svg.texts[0], size: 12) <= 90)
    #expect(svg["title"].map(\.text) == ["", name] && svg.texts[1] == "short")
  }

  @Test func aFileAppearsWholeOrNotAtAll() throws {
    let folder = try TestFolder()
    let file = folder.url.appending(path: "figure.svg")
    try document([]).write(to: file)
    #expect(try Data(contentsOf: file) == Data(document([]).xml.utf8))
    #expect(try folder.contents == ["figure.svg"])
    let missing = folder.url.appending(path: "missing/figure.svg")
    let error = try #require(throws: PictureError.self) { try document([]).write(to: missing) }
    #expect(error.description == "cannot write the picture \(missing.path): No such file or directory")
  }
}
