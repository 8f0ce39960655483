// Pages: what stands in them, whatever stands in names.

import Foundation
import KindredReport
import Testing

@Suite struct ReportPageTests {
  private func page(_ blocks: [ReportBlock], title: String = "runs") -> String {
    ReportPage(
      title: title, subtitle: "", date: Date(timeIntervalSince1970: 0), isUnfinished: false,
      sections: [ReportSection(id: "one", title: "One", blocks)]
    ).html
  }

  /// In every place where a page shows a name. The last joins a mark to the quote, which makes another character of it.
  @Test(arguments: [
    "<script>alert(1)</script>", "\" onfocus=\"alert(1)", "' x='", "\"\u{301} onfocus=alert(1) x=\"\u{301}",
  ])
  func hostileNamesStayText(name: String) throws {
    var table = ReportTable(name, [.text(name), .number("n")])
    table.append([.init(name), .init(name, shade: 0.5)])
    let picture = Picture(width: 2, height: 2, bytes: [UInt8](repeating: 9, count: 12))
    let sheet = PictureSheet(id: "s", [picture, picture])
    let side = ReportMatrix.Side(names: [name, "b"], sheet: sheet, groups: [(name, 2)])
    let chart = CategoryChart(title: name, unit: name, rows: [.init(name: name, value: 1)], form: .bars)
    let html = page(
      [
        .text(name), .note(name), .list([name]), .code(name), .table(table), .figures([chart.draw()]),
        .matrices([ReportMatrix(title: name, values: [0, 1, 2, 3], rows: side, columns: side)]),
        .pictures([ReportPicture(picture, caption: name)]),
        .details(title: name, isOpen: true, [.text(name), .details(title: "inner", isOpen: false, [.text("in")])]),
      ], title: name)
    #expect(html.components(separatedBy: "<script>").count == 2 && html.components(separatedBy: "</script>").count == 2)
    // Quotes of names are entities, so that no attribute ends early.
    let body = html.components(separatedBy: "</style>")[1].components(separatedBy: "<script>")[0]
    #expect(body.range(of: name, options: .literal) == nil)
    let escaped = name.unicodeScalars.reduce(into: "") { text, scalar in
      let entities: [Unicode.Scalar: String] = ["<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;", "&": "&amp;"]
      text += entities[scalar] ?? String(scalar)
    }
    #expect(body.components(separatedBy: escaped).count > 15)
  }

  @Test func aPageNeedsNothingElse() {
    let html = page([.text("a"), .details(title: "more", isOpen: false, [.code("one\n\ttwo"), .list(["x"])])])
    #expect(!html.contains("http://") && !html.contains("https://") && !html.contains("{{"))
    #expect(html.contains("<pre tabindex=\"0\"><code>one\n\ttwo</code></pre>"))
    #expect(html.contains("datetime=\"1970-01-01T00:00:00Z\"") && html.contains("1970-01-01 00:00:00 UTC"))
    // A block inside a block is what it is and not what is around it.
    #expect(html.components(separatedBy: "<details").count == 2)
  }

  /// Values from the lowest to the highest in 65,534 steps, two bytes each, the lower first; the last step is no number.
  @Test func matricesCarryTheirNumbers() throws {
    let side = ReportMatrix.Side(names: ["a", "b"])
    let html = page([.matrices([ReportMatrix(title: "m", values: [-1, 0, .nan, 1], rows: side, columns: side)])])
    let data = try #require(html.components(separatedBy: "data-values=\"").last?.components(separatedBy: "\"").first)
    #expect(Data(base64Encoded: data) == Data([0, 0, 0xFF, 0x7F, 0xFF, 0xFF, 0xFE, 0xFF]))
    #expect(html.contains("data-low=\"-1.0\" data-high=\"1.0\""))
  }

  @Test func thumbnailsAreMeans() {
    // Four columns of two colours, of which the middle square is kept.
    let wide = Picture(
      width: 4, height: 2, channels: 1, bytes: [7, 0, 10, 7, 7, 20, 31, 7])
    #expect(wide.thumbnail(1).bytes == [15, 15, 15])
    #expect(wide.thumbnail(2) == Picture(width: 2, height: 2, channels: 1, bytes: [0, 10, 20, 31]))
    let small = Picture(width: 1, height: 1, channels: 1, bytes: [3])
    #expect(small.thumbnail(32) == small)
  }

  @Test func sheetsHoldPicturesInRows() {
    let pictures = (0..<3).map { Picture(width: 1, height: 1, channels: 1, bytes: [UInt8($0)]) }
    let sheet = PictureSheet(id: "s", pictures, columns: 2)
    #expect(sheet.picture == Picture(width: 2, height: 2, channels: 1, bytes: [0, 1, 2, 255]))
  }
}
