// Drawings as values: what is where and how it is painted, and nothing of how that is written down.

/// A place in a drawing, from its top left corner.
package struct Point: Sendable, Equatable {
  /// To the right.
  package var x: Double
  /// Downwards.
  package var y: Double

  /// A place; it may lie outside the drawing.
  package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
}

/// An upright rectangle.
package struct Box: Sendable, Equatable {
  /// Its left edge.
  package var x: Double
  /// Its upper edge.
  package var y: Double
  package var width: Double
  package var height: Double

  /// A rectangle by its top left corner and its size.
  package init(x: Double, y: Double, width: Double, height: Double) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  /// Its right edge.
  package var right: Double { x + width }
  /// Its lower edge.
  package var bottom: Double { y + height }
  /// What lies in its middle.
  package var centre: Point { Point(x: x + width / 2, y: y + height / 2) }
}

/// What is painted with: a colour, or a role that has one on light pages and another on dark ones.
package enum Ink: Sendable, Equatable {
  /// What is to be read.
  case text
  /// What stands back: axes, ticks and their numbers.
  case muted
  /// Lines of a grid.
  case faint
  /// The page itself.
  case page
  /// The same on every page.
  case colour(Colour)
}

/// How an element is painted; nothing is where there is no ink.
package struct Paint: Sendable, Equatable {
  package var fill: Ink?
  package var stroke: Ink?
  /// The stroke's width.
  package var width: Double
  /// Lengths of dashes and gaps in turns; empty for a whole line.
  package var dash: [Double]
  /// From 0, which cannot be seen, to 1.
  package var opacity: Double

  /// Whole lines that hide what lies below, unless more is said.
  package init(fill: Ink? = nil, stroke: Ink? = nil, width: Double = 1, dash: [Double] = [], opacity: Double = 1) {
    (self.fill, self.stroke, self.width, self.dash, self.opacity) = (fill, stroke, width, dash, opacity)
  }
}

/// A line of text.
package struct SVGText: Sendable, Equatable {
  /// Which of a text's points lies at its place.
  package enum Anchor: String, Sendable {
    case start
    case middle
    case end
  }

  package var string: String
  /// Half the height of its capitals above the line it stands on.
  package var place: Point
  /// The letters' height with what reaches below the line.
  package var size: Double
  package var anchor: Anchor
  package var isBold: Bool
  package var ink: Ink
  /// Whether it is read from below.
  package var isUpright: Bool

  /// Level text of the usual size.
  package init(
    _ string: String, at place: Point, size: Double = 12, anchor: Anchor = .start, isBold: Bool = false,
    ink: Ink = .text, isUpright: Bool = false
  ) {
    (self.string, self.place, self.size, self.anchor) = (string, place, size, anchor)
    (self.isBold, self.ink, self.isUpright) = (isBold, ink, isUpright)
  }
}

/// A part of a drawing.
package indirect enum SVGElement: Sendable, Equatable {
  /// Elements that belong together, the first lowest, and what they are in words: viewers show it on request and read it
  /// aloud.
  case group(title: String?, [SVGElement])
  case rectangle(Box, Paint)
  case circle(Point, radius: Double, Paint)
  /// A line through points.
  case path([Point], isClosed: Bool, Paint)
  case text(SVGText)
  /// Pixels, as squares with sharp edges.
  case image(Picture, Box)

  /// A straight line.
  package static func line(_ start: Point, _ end: Point, _ paint: Paint) -> SVGElement {
    .path([start, end], isClosed: false, paint)
  }

  /// A text in so much room: the end of a longer one is left out, and stands in the element's title.
  package static func text(_ text: SVGText, within room: Double) -> SVGElement {
    var shown = text
    shown.string = TextWidth.fitted(text.string, size: text.size, isBold: text.isBold, in: room)
    return shown.string == text.string ? .text(text) : .group(title: text.string, [.text(shown)])
  }
}
