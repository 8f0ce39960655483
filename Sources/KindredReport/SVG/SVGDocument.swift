// Drawings as SVG: text that stays text, sharp in any size, read by every browser and on dark pages too.

import Files
import Foundation

/// A drawing with its size and what it shows in words.
package struct SVGDocument: Sendable, Equatable {
  /// In the units of its elements, which viewers show as pixels.
  package let width: Double
  package let height: Double
  /// What it is, in a few words.
  package let title: String
  /// What is seen in it, for those who do not see it.
  package let description: String
  /// The first lowest.
  package let elements: [SVGElement]

  /// A drawing on a page of its own.
  package init(width: Double, height: Double, title: String, description: String, elements: [SVGElement]) {
    (self.width, self.height, self.title, self.description) = (width, height, title, description)
    self.elements = elements
  }

  /// The document.
  package var xml: String {
    let page = SVGElement.rectangle(Box(x: 0, y: 0, width: width, height: height), Paint(fill: .page))
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" width="\(number(width))" height="\(number(height))" \
      viewBox="0 0 \(number(width)) \(number(height))" role="img">
      <title>\(Markup.escaped(title))</title>
      <desc>\(Markup.escaped(description))</desc>
      <style>\(Ink.styleSheet)</style>
      \((([page] + elements).map(\.xml)).joined(separator: "\n"))
      </svg>

      """
  }

  /// The drawing as a part of a page, which has its roles' colours; as wide as there is room for, up to its size.
  /// - Parameter id: no other element's of the page.
  package func markup(id: String) -> String {
    """
    <svg viewBox="0 0 \(number(width)) \(number(height))" style="max-width:\(number(width))px" role="img" \
    aria-labelledby="\(id)-title" aria-describedby="\(id)-words"><title id="\(id)-title">\(Markup.escaped(title))</title>\
    <desc id="\(id)-words">\(Markup.escaped(description))</desc>\(elements.map(\.xml).joined())</svg>
    """
  }

  /// Saves it; the file appears whole or not at all, and what was there before stays if it fails. Links are followed,
  /// devices and pipes written into.
  /// - Throws: `PictureError`, for instance if the folder is missing or the disk is full.
  package func write(to file: URL) throws {
    do {
      try AtomicFile.write(Data(xml.utf8), to: file)
    } catch {
      throw PictureError(path: file.path, reason: "\(error)")
    }
  }
}

extension SVGElement {
  fileprivate var xml: String {
    switch self {
    case .group(let title, let elements):
      let words = title.map { "<title>\(Markup.escaped($0))</title>\n" } ?? ""
      return "<g>\(words)\(elements.map(\.xml).joined(separator: "\n"))</g>"
    case .rectangle(let box, let paint): return "<rect \(box.attributes)\(paint.attributes)/>"
    case .circle(let centre, let radius, let paint):
      return
        "<circle cx=\"\(number(centre.x))\" cy=\"\(number(centre.y))\" r=\"\(number(radius))\"\(paint.attributes)/>"
    case .path(let points, let isClosed, let paint):
      let places = points.map { "\(number($0.x)) \(number($0.y))" }
      return "<path d=\"M\(places.joined(separator: "L"))\(isClosed ? "Z" : "")\"\(paint.attributes)/>"
    case .text(let text): return text.xml
    case .image(let picture, let box):
      let data = picture.pngData().base64EncodedString()
      return "<image \(box.attributes) preserveAspectRatio=\"none\" image-rendering=\"optimizeSpeed\" "
        + "href=\"data:image/png;base64,\(data)\"/>"
    }
  }
}

extension SVGText {
  fileprivate var xml: String {
    let turned = isUpright ? " transform=\"rotate(-90 \(number(place.x)) \(number(place.y)))\"" : ""
    // Capitals of most typefaces are 0.7 of the size high.
    return "<text x=\"\(number(place.x))\" y=\"\(number(place.y))\" dy=\"\(number(0.35 * size))\" "
      + "font-size=\"\(number(size))\" text-anchor=\"\(anchor.rawValue)\"\(isBold ? " font-weight=\"600\"" : "")"
      + "\(turned)\(Paint(fill: ink).attributes)>\(Markup.escaped(string))</text>"
  }
}

extension Box {
  fileprivate var attributes: String {
    "x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\""
  }
}

extension Paint {
  /// With a space before each.
  fileprivate var attributes: String {
    let classes = [fill?.role.map { "fill-\($0)" }, stroke?.role.map { "stroke-\($0)" }].compactMap { $0 }
    var attributes: [(name: String, value: String)] = []
    if !classes.isEmpty { attributes.append(("class", classes.joined(separator: " "))) }
    if let colour = fill == nil ? "none" : fill?.colour { attributes.append(("fill", colour)) }
    if let colour = stroke?.colour { attributes.append(("stroke", colour)) }
    if stroke != nil, width != 1 { attributes.append(("stroke-width", number(width))) }
    if !dash.isEmpty { attributes.append(("stroke-dasharray", dash.map(number).joined(separator: " "))) }
    if opacity < 1 { attributes.append(("opacity", number(opacity))) }
    return attributes.map { " \($0.name)=\"\($0.value)\"" }.joined()
  }
}

extension Ink {
  /// What has one colour on light pages and another on dark ones.
  private static let roles: [(name: String, light: String, dark: String)] = [
    ("text", "#1c2024", "#eceff2"), ("muted", "#59616b", "#a3acb6"), ("faint", "#dfe3e8", "#333a42"),
    ("page", "#ffffff", "#14171b"),
  ]

  fileprivate static let styleSheet: String = {
    func rules(_ colour: KeyPath<(name: String, light: String, dark: String), String>) -> String {
      roles.map { role in
        ".fill-\(role.name){fill:\(role[keyPath: colour])}.stroke-\(role.name){stroke:\(role[keyPath: colour])}"
      }.joined()
    }
    // Programs that are no browsers know the older word for sharp pixels, which the images have as an attribute.
    return """
      text{font-family:system-ui,sans-serif}\(rules(\.light))
      @supports(image-rendering:pixelated){image{image-rendering:pixelated}}
      @media(prefers-color-scheme:dark){\(rules(\.dark))}
      """
  }()

  /// The name of its role; nil for a colour.
  fileprivate var role: String? {
    switch self {
    case .text: "text"
    case .muted: "muted"
    case .faint: "faint"
    case .page: "page"
    case .colour: nil
    }
  }

  /// The colour as it is written; nil for a role.
  fileprivate var colour: String? {
    guard case .colour(let colour) = self else { return nil }
    return "#" + [colour.red, colour.green, colour.blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// A number in hundredths at most, as short as it can be.
private func number(_ value: Double) -> String {
  let hundredths = Int((value * 100).rounded())
  let (whole, rest) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
  let digits = rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)"
  return "\(hundredths < 0 ? "-" : "")\(whole)\(digits)"
}
