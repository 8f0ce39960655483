// Matrices as colours: colours that keep the numbers' order, every entry in its place, and names where there is room.

import Foundation
import KindredReport
import Testing

@Suite struct ColourMapTests {
  /// CIE lightness, 0 to 100, by its definition from sRGB.
  private func lightness(_ colour: Colour) -> Double {
    func linear(_ value: UInt8) -> Double {
      let share = Double(value) / 255
      return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
    let luminance = 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue)
    return luminance > 0.008856 ? 116 * cbrt(luminance) - 16 : 903.3 * luminance
  }

  @Test func lightnessGrowsEvenly() {
    let values = (0...20).map { lightness(ColourMap.colour(Double($0) / 20)) }
    for (below, above) in zip(values, values.dropFirst()) { #expect((2...7).contains(above - below)) }
    #expect(values[20] - values[0] > 75)
  }

  @Test func valuesBeyondTakeTheEnds() {
    #expect(ColourMap.colour(-3) == ColourMap.colour(0))
    #expect(ColourMap.colour(.infinity) == ColourMap.colour(1))
    #expect(ColourMap.colour(.nan) == ColourMap.notANumber)
  }
}

@Suite struct HeatMapTests {
  @Test func classStarts() {
    #expect(SimilarityPicture.classStarts(ofSorted: [0, 0, 2, 2, 2, 5]) == [0, 2, 5])
    #expect(SimilarityPicture.classStarts(ofSorted: []) == [])
  }

  private func similarity(_ matrices: [[Float]], size: Int, names: [String] = []) throws -> ReadSVG {
    let starts = names.isEmpty ? [0] : (0..<names.count).map { $0 * size / names.count }
    let panels = matrices.enumerated().map { (title: "network \($0)", matrix: $1) }
    return try ReadSVG(
      SimilarityPicture(panels: panels, size: size, of: "images", classStarts: starts, classNames: names).draw())
  }

  /// The entry in row 0, column 1 is the largest: upper right of the panel, not lower left.
  @Test func entriesLieWhereTheyBelong() throws {
    let pictures = try similarity([[0.25, 1, 0, 0.5]], size: 2).pictures()
    // The panel and the colour bar.
    #expect(pictures.count == 2)
    let picture = pictures[0].picture
    #expect([picture[0, 0], picture[1, 0], picture[0, 1], picture[1, 1]] == [0.25, 1, 0, 0.5].map(ColourMap.colour))
    #expect(pictures[0].width == 240 && pictures[0].height == 240)
    let bar = pictures[1].picture
    #expect(bar[0, 0] == ColourMap.colour(1) && bar[0, bar.height - 1] == ColourMap.colour(0))
    #expect(pictures[1].height == 240 && pictures[1].y == pictures[0].y)
  }

  /// Pairs of one class have 1, 3, 1 and 3, those of two 2 and 6; the second matrix differs by 1 everywhere.
  @Test func panelsSayNumbers() throws {
    let first: [Float] = [9, 1, 2, 2, 3, 9, 2, 2, 6, 6, 9, 1, 6, 6, 3, 9]
    let svg = try similarity([first, first.map { $0 + 1 }], size: 4, names: ["cat", "dog"])
    #expect(
      svg.texts.filter { $0.hasPrefix("pairs") } == [
        "pairs of one class 2.000, of two 4.000", "pairs of one class 3.000, of two 5.000",
      ])
    #expect(svg.texts.filter { $0.hasPrefix("SP") } == ["SP loss to network 0: 1.000"])
  }

  @Test func contactSheetsNameTheirClasses() throws {
    let sheet = Picture(width: 4, height: 40, bytes: [UInt8](repeating: 7, count: 480))
    let svg = try ReadSVG(ContactSheetPicture(sheet, names: ["cat", "dog <b>"], title: "pets").draw())
    let picture = try #require(try svg.pictures().first)
    #expect(picture.picture == sheet && picture.height == 40)
    let names = svg["text"]
    #expect(names.map(\.text) == ["cat", "dog <b>"])
    // Each beside the middle of its row.
    #expect(abs(names[1].number("y") - names[0].number("y") - 20) < 0.011 && names[0].number("x") < picture.x)
  }

  /// Alone, both panels would look alike; on one scale the second is dark. Channels have a scale and a bar each.
  @Test func scalesAreSharedOrOwn() throws {
    let matrices: [[Float]] = [[0, 1, 1, 0], [0, 0.25, 0.25, 0]]
    let shared = try similarity(matrices, size: 2)
    #expect(try shared.pictures()[1].picture[1, 0] == ColourMap.colour(0.25))
    #expect(Array(shared.texts.suffix(5)) == ["0.00", "0.25", "0.50", "0.75", "1.00"])
    let own = try ReadSVG(
      ChannelPicture(panels: matrices.map { ("", $0) }, of: "images", classNames: ["cat", "dog"]).draw())
    let panels = try own.pictures().filter { $0.width == $0.height }
    #expect(panels.map { $0.picture[1, 0] } == [ColourMap.colour(1), ColourMap.colour(1)])
    #expect(own.texts.filter { ["0.250", "1.00"].contains($0) } == ["1.00", "0.250"])
  }

  /// Channels are counted from 0, at the middles of their columns: 64 of them on 240 are 3.75 wide each.
  @Test func channelsAreCounted() throws {
    let svg = try ReadSVG(
      ChannelPicture(
        panels: [("", [Float](repeating: 0, count: 128))], of: "images", classNames: ["cat", "dog"]
      ).draw())
    let panel = try #require(try svg.pictures().first)
    for (text, channel) in [("0", 0), ("20", 20), ("60", 60)] as [(String, Double)] {
      let number = try #require(svg["text"].first { $0.text == text })
      #expect(abs(number.number("x") - panel.x - (channel + 0.5) * 3.75) < 0.011)
    }
  }

  @Test func oddInputsAreDrawn() throws {
    let equal = try similarity([[0, 0, 0, 0]], size: 2).pictures()
    #expect(equal[0].picture[0, 0] == ColourMap.colour(0.5))
    let broken = try similarity([[0, 0, 0, 0], [.nan, .infinity, 1, 0]], size: 2).pictures()
    #expect(broken[1].picture[0, 0] == ColourMap.notANumber && broken[1].picture[1, 0] == ColourMap.colour(1))
    #expect(try similarity([[1]], size: 1).pictures().count == 2)
  }

  /// Up to four panels in a row, rows as even as they can be, and nothing over anything else.
  @Test(arguments: [(1, 1), (3, 3), (4, 4), (5, 3), (8, 4), (9, 3)])
  func panelsStandInRows(count: Int, columns: Int) throws {
    let boxes = try similarity(Array(repeating: [1, 0, 0, 1], count: count), size: 2).pictures().dropLast()
    #expect(boxes.count == count)
    #expect(Set(boxes.map(\.x)).count == columns && Set(boxes.map(\.y)).count == (count + columns - 1) / columns)
    for (index, box) in boxes.enumerated() {
      for other in boxes.dropFirst(index + 1) {
        #expect(box.x + box.width < other.x || box.y + box.height < other.y || other.x + other.width < box.x)
      }
    }
  }

  /// Two images of each class: lines of ten classes lie 24 apart, those of a hundred 2.4, where each sixth has room.
  @Test func namesAreShownWhereThereIsRoom() throws {
    func names(_ count: Int) -> [String] { (0..<count).map { "class \($0)" } }
    func shown(_ count: Int) throws -> [ReadSVG.Element] {
      let zeros = [Float](repeating: 0, count: 4 * count * count)
      return try similarity([zeros], size: 2 * count, names: names(count))["text"].filter {
        $0.text.hasPrefix("class ")
      }
    }
    #expect(try shown(10).map(\.text) == names(10))
    let some = try shown(100)
    #expect(some.map(\.text) == stride(from: 0, to: 100, by: 6).map { "class \($0)" })
    let heights = some.map { $0.number("y") }
    #expect(zip(heights, heights.dropFirst()).allSatisfy { $1 - $0 >= 13 })
  }
}
