// The figure of similarity matrices: colours that keep the numbers' order, and every entry in its place.

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

@Suite struct SimilarityPictureTests {
  @Test func classStarts() {
    #expect(SimilarityPicture.classStarts(ofSorted: [0, 0, 2, 2, 2, 5]) == [0, 2, 5])
    #expect(SimilarityPicture.classStarts(ofSorted: []) == [])
  }

  /// The entry in row 0, column 1 is the largest: upper right of the panel, not lower left.
  @Test func entriesLieWhereTheyBelong() throws {
    let panel = SimilarityPicture.Panel(title: "", matrix: [0.25, 1, 0, 0.5], size: 2)
    let picture = SimilarityPicture(panels: [panel], classStarts: [0, 1]).draw()
    // A panel of 2 x 2 is drawn with entries of 192 pixels; its first colour is found from the upper left.
    let (top, left) = try #require(firstPixel(of: ColourMap.colour(0.25), in: picture))
    func entry(_ row: Int, _ column: Int) -> Colour { picture[left + column * 192 + 96, top + row * 192 + 96] }
    #expect(entry(0, 0) == ColourMap.colour(0.25))
    #expect(entry(0, 1) == ColourMap.colour(1))
    #expect(entry(1, 0) == ColourMap.colour(0))
    #expect(entry(1, 1) == ColourMap.colour(0.5))
  }

  /// Alone, both panels would look alike; on one scale the second is dark.
  @Test func panelsShareOneScale() throws {
    let panels = [
      SimilarityPicture.Panel(title: "", matrix: [0, 1, 1, 0], size: 2),
      SimilarityPicture.Panel(title: "", matrix: [0, 0.25, 0.25, 0], size: 2),
    ]
    let picture = SimilarityPicture(panels: panels, classStarts: [0]).draw()
    let dark = ColourMap.colour(0.25)
    #expect(firstPixel(of: dark, in: picture) != nil)
    let bright = ColourMap.colour(1)
    let count = (0..<picture.height * picture.width).count {
      picture[$0 % picture.width, $0 / picture.width] == bright
    }
    // Two entries of 192 x 192 of the first panel, and a line or two of the colour bar.
    #expect((2 * 192 * 192...2 * 192 * 192 + 100).contains(count))
  }

  @Test func oddInputsAreDrawn() {
    let blank = SimilarityPicture.Panel(title: "equal", matrix: [0, 0, 0, 0], size: 2)
    let broken = SimilarityPicture.Panel(title: "not a number", matrix: [.nan, .infinity, 1, 0], size: 2)
    let single = SimilarityPicture.Panel(title: String(repeating: "long ", count: 100), matrix: [1], size: 1)
    #expect(firstPixel(of: ColourMap.colour(0.5), in: draw([blank])) != nil)
    #expect(firstPixel(of: ColourMap.notANumber, in: draw([blank, broken])) != nil)
    #expect(draw([single]).width == draw([blank]).width)
    #expect(draw(Array(repeating: blank, count: 6)).width == draw(Array(repeating: blank, count: 3)).width)
  }

  @Test func namesAreShownWhereThereIsRoom() {
    let panel = SimilarityPicture.Panel(title: "", matrix: [Float](repeating: 0, count: 128 * 128), size: 128)
    func width(_ starts: [Int], _ names: [String]) -> Int {
      SimilarityPicture(panels: [panel], classStarts: starts, classNames: names).draw().width
    }
    #expect(width([0, 64], ["cat", "dog"]) == width([0, 64], []) + Picture.textWidth("cat", scale: 2))
    // A class of one sample has a row 3 pixels high.
    #expect(width([0, 1], ["cat", "dog"]) == width([0, 1], []))
  }

  private func draw(_ panels: [SimilarityPicture.Panel]) -> Picture {
    SimilarityPicture(panels: panels, classStarts: [0]).draw()
  }

  private func firstPixel(of colour: Colour, in picture: Picture) -> (top: Int, left: Int)? {
    for y in 0..<picture.height {
      for x in 0..<picture.width where picture[x, y] == colour { return (y, x) }
    }
    return nil
  }
}
