// The data set that needs no download: textures drawn by code, the same bytes from the same seed on every machine.

import Kindred

extension DataSet {
  /// Textures drawn by code, see `Textures`.
  public static let textures = DataSet(
    "textures", about: "drawn by Kindred, as many as are asked for", imageShape: (3, Textures.size, Textures.size),
    classNames: Textures.classNames,
    counts: (Textures.defaultCount(.train), Textures.defaultCount(.test)),
    statistics: Textures.statistics, augmentation: Augmentation(cropPadding: 4, flip: true), publication: nil,
    read: { split, _ in Textures.images(count: Textures.defaultCount(split), split: split) })
}

/// Colour images of 32 x 32 pixels in ten classes of textures, in the spirit of the Describable Textures Dataset.
///
/// Every image varies in scale, angle, phase, colours, contrast, warp, lighting and noise, and patches hide parts of it.
/// Only integer arithmetic and operations that IEEE 754 rounds exactly are used, so that a seed is enough to name a set.
public enum Textures {
  static let statistics = ImageStatistics(mean: [0.4968, 0.4965, 0.4970], deviation: [0.2331, 0.2320, 0.2328])
  /// The edge of an image, in pixels.
  package static let size = 32
  /// The classes' names; an image's label is an index into them.
  package static let classNames = TexturePattern.Kind.allCases.map { "\($0)" }
  /// How many images a split holds by default.
  package static func defaultCount(_ split: DataSplit) -> Int { split == .train ? 5_000 : 2_000 }

  /// The first `count` images of an endless stream, the classes in turn; training and test images never share a stream.
  public static func images(count: Int, seed: UInt64 = 0, split: DataSplit) -> ImageSet {
    let imageBytes = size * size * 3
    let kinds = TexturePattern.Kind.allCases
    let stream: UInt64 = split == .train ? 0 : 1
    let pixels = [UInt8](unsafeUninitializedCapacity: count * imageBytes) { buffer, initialized in
      for index in 0..<count {
        var random = SplitMix64(key: seed, stream, UInt64(index))
        let target = UnsafeMutableBufferPointer(rebasing: buffer[index * imageBytes..<(index + 1) * imageBytes])
        TextureImage(kinds[index % kinds.count], random: &random).draw(into: target, random: &random)
      }
      initialized = count * imageBytes
    }
    return ImageSet(
      name: "textures", width: size, height: size, channels: 3, classNames: classNames,
      pixels: pixels, labels: (0..<count).map { Int32($0 % kinds.count) },
      channelMean: statistics.mean, channelDeviation: statistics.deviation)
  }
}

/// One image's choices, drawn before its pixels.
private struct TextureImage {
  private let pattern: TexturePattern
  private let field: RandomField
  private let placement: Placement
  private let figure: Color
  private let ground: Color
  private let stain: Color
  private let stainStrength: Double
  private let light: (x: Double, y: Double)
  private let noise: Double
  private let patches: [Patch]

  init(_ kind: TexturePattern.Kind, random: inout SplitMix64) {
    field = RandomField(random: &random)
    placement = Placement(random: &random)
    pattern = TexturePattern(kind, softness: 1.1 / placement.period, field: field, random: &random)
    let contrast = random.uniform(0.16..<0.60) * (random.chance(0.5) ? 1 : -1)
    let middle = random.uniform(0.32..<0.68)
    figure = Color(luminance: middle + contrast * 0.5, random: &random)
    ground = Color(luminance: middle - contrast * 0.5, random: &random)
    stain = Color(luminance: random.uniform(0.2..<0.8), random: &random)
    stainStrength = random.chance(0.5) ? random.uniform(0..<0.8) : 0
    light = (random.uniform(-0.022..<0.022), random.uniform(-0.022..<0.022))
    noise = random.uniform(0.04..<0.30)
    patches = (0..<Int(random.below(4))).map { _ in Patch(random: &random) }
  }

  func draw(into pixels: UnsafeMutableBufferPointer<UInt8>, random: inout SplitMix64) {
    var offset = 0
    for row in 0..<Textures.size {
      for column in 0..<Textures.size {
        let (x, y) = (Double(column) - 15.5, Double(row) - 15.5)
        let color = patches.last { $0.covers(x, y) }?.color ?? surface(x, y)
        let brightness = 1 + light.x * x + light.y * y
        let bits = random.next()
        let grain = fraction(bits >> 48)
        pixels[offset] = byte(color.red * brightness + noise * (grain + 0.6 * fraction(bits)))
        pixels[offset + 1] = byte(color.green * brightness + noise * (grain + 0.6 * fraction(bits >> 16)))
        pixels[offset + 2] = byte(color.blue * brightness + noise * (grain + 0.6 * fraction(bits >> 32)))
        offset += 3
      }
    }
  }

  private func surface(_ x: Double, _ y: Double) -> Color {
    let (u, v) = placement.map(x, y)
    let base = ground.mixed(with: stain, max(0, field.smooth(x * 0.09 + 8, y * 0.09 + 8)) * 2 * stainStrength)
    return base.mixed(with: figure, pattern.value(u, v))
  }

  /// The low sixteen bits as a number from -0.5 to 0.5.
  private func fraction(_ bits: UInt64) -> Double { Double(bits & 0xffff) * 0x1p-16 - 0.5 }

  private func byte(_ value: Double) -> UInt8 { UInt8(min(255, max(0, value * 255 + 0.5))) }
}

/// From pixels to repeats of the pattern: warp, turn, scale, shift.
private struct Placement {
  /// The pixels of one repeat.
  let period: Double
  private let (cosine, sine): (Double, Double)
  private let (scaleU, scaleV): (Double, Double)
  private let (shiftU, shiftV): (Double, Double)
  private let warp: Double
  private let (waveX, waveY): (Double, Double)
  private let (phaseX, phaseY): (Double, Double)

  init(random: inout SplitMix64) {
    period = random.uniform(4.5..<12)
    let turns = random.unit()
    (cosine, sine) = (PortableMath.cosine(turns: turns), PortableMath.sine(turns: turns))
    let stretch = random.uniform(0.8..<1.25)
    (scaleU, scaleV) = (1 / period, stretch / period)
    (shiftU, shiftV) = (random.unit(), random.unit())
    warp = random.uniform(0..<2.4)
    (waveX, waveY) = (random.uniform(0.02..<0.05), random.uniform(0.02..<0.05))
    (phaseX, phaseY) = (random.unit(), random.unit())
  }

  func map(_ x: Double, _ y: Double) -> (u: Double, v: Double) {
    let warpedX = x + warp * PortableMath.sine(turns: y * waveY + phaseY)
    let warpedY = y + warp * PortableMath.sine(turns: x * waveX + phaseX)
    return (
      (cosine * warpedX + sine * warpedY) * scaleU + shiftU, (cosine * warpedY - sine * warpedX) * scaleV + shiftV
    )
  }
}

private struct Color {
  let red, green, blue: Double

  init(red: Double, green: Double, blue: Double) { (self.red, self.green, self.blue) = (red, green, blue) }

  /// A random hue around a grey.
  init(luminance: Double, random: inout SplitMix64) {
    red = luminance + random.uniform(-0.16..<0.16)
    green = luminance + random.uniform(-0.16..<0.16)
    blue = luminance + random.uniform(-0.16..<0.16)
  }

  func mixed(with other: Color, _ share: Double) -> Color {
    Color(
      red: red + (other.red - red) * share, green: green + (other.green - green) * share,
      blue: blue + (other.blue - blue) * share)
  }
}

/// A plain rectangle or ellipse that hides what lies under it.
private struct Patch {
  let color: Color
  private let (x, y): (Double, Double)
  private let (halfWidth, halfHeight): (Double, Double)
  private let isRound: Bool

  init(random: inout SplitMix64) {
    color = Color(luminance: random.uniform(0.15..<0.85), random: &random)
    (x, y) = (random.uniform(-16..<16), random.uniform(-16..<16))
    (halfWidth, halfHeight) = (random.uniform(2.5..<8), random.uniform(2.5..<8))
    isRound = random.chance(0.5)
  }

  func covers(_ pixelX: Double, _ pixelY: Double) -> Bool {
    let (across, down) = ((pixelX - x) / halfWidth, (pixelY - y) / halfHeight)
    return isRound ? across * across + down * down < 1 : across.magnitude < 1 && down.magnitude < 1
  }
}
