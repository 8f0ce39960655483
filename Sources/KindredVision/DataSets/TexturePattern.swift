// The ten classes of textures, each a function of the plane.

import Kindred

/// One texture without colour: a grey value at each point of the plane, its repeats one unit apart.
struct TexturePattern {
  /// The classes, in pairs that resemble each other: banded and lined, chequered and woven, dotted and honeycombed,
  /// cracked and honeycombed, grid and chequered, marbled and banded, zigzagged and lined.
  enum Kind: Int, CaseIterable {
    case banded, chequered, cracked, dotted, grid, honeycombed, lined, marbled, woven, zigzagged
  }

  let kind: Kind
  /// How much of a repeat the figure covers; each kind has a range of its own.
  private let cover: Double
  /// Half the depth of zigzags, the strength of marbling, or the share of a cell by which its centre strays.
  private let shape: Double
  /// How far alternate rows of cells are moved: 0.5 makes hexagons of squares.
  private let stagger: Double
  /// The width of an edge, in repeats: about a pixel.
  private let softness: Double
  private let field: RandomField

  init(_ kind: Kind, softness: Double, field: RandomField, random: inout SplitMix64) {
    self.kind = kind
    self.softness = softness
    self.field = field
    switch kind {
    case .banded: (cover, shape) = (random.uniform(0.38..<0.62), 0)
    case .lined: (cover, shape) = (random.uniform(0.14..<0.32), 0)
    case .chequered: (cover, shape) = (0.5, 0)
    case .grid: (cover, shape) = (random.uniform(0.14..<0.36), 0)
    case .dotted: (cover, shape) = (random.uniform(0.20..<0.42), random.uniform(0..<0.22))
    case .honeycombed: (cover, shape) = (random.uniform(0.10..<0.30), random.uniform(0..<0.14))
    case .cracked: (cover, shape) = (random.uniform(0.08..<0.24), random.uniform(0.34..<0.62))
    case .marbled: (cover, shape) = (random.uniform(0.3..<0.6), random.uniform(0.7..<1.6))
    case .woven: (cover, shape) = (random.uniform(0.66..<0.92), 0)
    case .zigzagged: (cover, shape) = (random.uniform(0.25..<0.55), random.uniform(0.7..<1.5))
    }
    stagger = kind == .honeycombed || (kind == .dotted && random.chance(0.5)) ? 0.5 : 0
  }

  /// The grey value at a point, 0 (ground) to 1 (figure).
  func value(_ u: Double, _ v: Double) -> Double {
    switch kind {
    case .banded, .lined: return band(u)
    case .chequered: return chequer(u * 0.5, v * 0.5)
    case .grid: return max(band(u), band(v))
    case .dotted: return PortableMath.edge(cover - nearestCells(u, v).first, width: softness)
    case .honeycombed, .cracked:
      let (first, second) = nearestCells(u, v)
      return PortableMath.edge(cover - (second - first), width: softness * 1.5)
    case .marbled:
      let turbulence = field.smooth(u * 0.8, v * 0.8) + 0.5 * field.smooth(v * 1.7 + 5, u * 1.7)
      return 0.5 + 0.5 * PortableMath.sine(turns: u * 0.5 + shape * turbulence)
    case .woven: return weave(u, v)
    case .zigzagged: return band(u + shape * PortableMath.triangle(v * 0.6))
    }
  }

  private func band(_ u: Double) -> Double {
    PortableMath.edge(cover * 0.5 - PortableMath.triangle(u), width: softness)
  }

  private func chequer(_ u: Double, _ v: Double) -> Double {
    let across = PortableMath.edge(PortableMath.triangle(u) - 0.25, width: softness)
    let along = PortableMath.edge(PortableMath.triangle(v) - 0.25, width: softness)
    return across + along - 2 * across * along
  }

  /// Strands that pass over and under each other: each is bright along its middle and sinks towards its crossings' edges.
  private func weave(_ u: Double, _ v: Double) -> Double {
    let (column, row) = (u.rounded(.down), v.rounded(.down))
    let isOver = Int(column + row) & 1 == 0
    let (x, y) = (u - column - 0.5, v - row - 0.5)
    let (along, across) = isOver ? (x, y) : (y, x)
    let body = PortableMath.edge(cover * 0.5 - across.magnitude, width: softness)
    let shade = isOver ? 1 - 1.6 * along * along : 0.78 - 1.6 * along * along
    return body * shade
  }

  /// The distances to the nearest and the second nearest centre of a lattice of cells that stray by `shape`.
  private func nearestCells(_ u: Double, _ v: Double) -> (first: Double, second: Double) {
    let (column, row) = (Int(u.rounded(.down)), Int(v.rounded(.down)))
    var (first, second) = (9.0, 9.0)
    for j in (row - 1)...(row + 1) {
      let shift = j & 1 == 0 ? 0.5 : 0.5 + stagger
      for i in (column - 1 - (j & 1))...(column + 1) {
        let (strayX, strayY) = field.vector(i, j)
        let x = Double(i) + shift + shape * strayX - u
        let y = Double(j) + 0.5 + shape * strayY - v
        let square = x * x + y * y
        if square < first {
          (first, second) = (square, first)
        } else if square < second {
          second = square
        }
      }
    }
    return (first.squareRoot(), second.squareRoot())
  }
}

/// Random values on a lattice of 16 x 16 points that repeats.
struct RandomField {
  private let values: [Double]

  init(random: inout SplitMix64) {
    values = (0..<512).map { _ in random.unit() - 0.5 }
  }

  /// The two values at a lattice point, each -0.5 to 0.5.
  func vector(_ i: Int, _ j: Int) -> (Double, Double) {
    let at = ((j & 15) << 5) | ((i & 15) << 1)
    return (values[at], values[at | 1])
  }

  /// The first value, interpolated smoothly between lattice points.
  func smooth(_ u: Double, _ v: Double) -> Double {
    let (column, row) = (u.rounded(.down), v.rounded(.down))
    let (i, j) = (Int(column), Int(row))
    let (x, y) = (ease(u - column), ease(v - row))
    let top = vector(i, j).0 * (1 - x) + vector(i + 1, j).0 * x
    let bottom = vector(i, j + 1).0 * (1 - x) + vector(i + 1, j + 1).0 * x
    return top * (1 - y) + bottom * y
  }

  private func ease(_ t: Double) -> Double { t * t * (3 - 2 * t) }
}
