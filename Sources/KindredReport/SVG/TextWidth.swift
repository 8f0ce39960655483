// How wide text will be, though the typeface is only known where it is shown.

/// Widths of text as the wider ones of the usual typefaces draw it, so that what is laid out by them fits.
package enum TextWidth {
  /// The width of a line of text.
  package static func of(_ text: String, size: Double, isBold: Bool = false) -> Double {
    text.reduce(0) { $0 + ems($1) } * size * (isBold ? 1.1 : 1)
  }

  /// The text, or its beginning and an ellipsis where there is no room for all of it.
  package static func fitted(_ text: String, size: Double, isBold: Bool = false, in room: Double) -> String {
    guard of(text, size: size, isBold: isBold) > room else { return text }
    var (kept, width) = ("", of("…", size: size, isBold: isBold))
    for character in text {
      width += of(String(character), size: size, isBold: isBold)
      guard width <= room else { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// A letter's width, in sizes of the typeface.
  private static func ems(_ character: Character) -> Double {
    switch character {
    case "i", "j", "l", "I", "|", "'", ".", ",", ":", ";", "!": 0.36
    case "f", "r", "t", "(", ")", "[", "]", "-", " ", "/", "\\", "\"", "`": 0.42
    case "m", "w", "M", "W", "@", "%", "…": 1
    case "a"..."z", "0"..."9", "_", "?", "*", "$": 0.64
    case _ where character.isASCII: 0.84
    // Letters of other scripts, full width and signs.
    case _ where character.unicodeScalars.contains { $0.value >= 0x1100 }: 1.25
    default: 0.84
    }
  }
}
