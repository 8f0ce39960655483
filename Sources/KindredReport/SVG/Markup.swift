// Text of strangers between tags and in attributes.

/// What XML and HTML have in common.
enum Markup {
  /// A text as it is read again. Names of files and classes may hold anything: what cannot be seen is left out, but for the
  /// joiners that some scripts are written with.
  /// - Parameter keepsLines: whether line breaks and tabs stay.
  static func escaped(_ text: String, keepsLines: Bool = false) -> String {
    var escaped = String.UnicodeScalarView()
    // By scalars: a mark that is joined with a quote makes another character of it, and leaves it a quote.
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;".unicodeScalars
      case "<": escaped += "&lt;".unicodeScalars
      case ">": escaped += "&gt;".unicodeScalars
      case "\"": escaped += "&quot;".unicodeScalars
      case "'": escaped += "&#39;".unicodeScalars
      case "\n", "\t": if keepsLines { escaped.append(scalar) }
      case "\u{200C}", "\u{200D}": escaped.append(scalar)
      // No characters of XML, though Unicode has them.
      case "\u{FFFE}", "\u{FFFF}": break
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: break
        default: escaped.append(scalar)
        }
      }
    }
    return String(escaped)
  }
}
