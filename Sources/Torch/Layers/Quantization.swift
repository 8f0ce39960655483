// From a folded network to one whose convolutions work in 8 bits, by what passes through it on sample inputs.

/// The inputs that a convolution has seen.
final class InputRange {
  private var inputs: [(lowest: Double, highest: Double)] = []

  func include(_ input: Tensor) { inputs.append((input.minimum().item, input.maximum().item)) }

  /// The largest input; nil where there was none or some were negative, which uint8 with zero point 0 cannot hold.
  ///
  /// Clamping at nine or eight tenths of it gave trained teachers Gram matrices that were no closer.
  /// - Throws: `QuantizationError.notFinite`.
  var largest: Double? {
    get throws {
      guard inputs.allSatisfy({ $0.lowest.isFinite && $0.highest.isFinite }) else { throw QuantizationError.notFinite }
      return inputs.contains { $0.lowest < 0 } ? nil : inputs.map(\.highest).max()
    }
  }
}

/// How many of a network's convolutions work in 8 bits.
public struct QuantizationCount: Sendable, Equatable, Codable {
  /// Those that do.
  public let quantized: Int
  /// All that the network has.
  public let convolutions: Int

  package init(quantized: Int, of convolutions: Int) {
    self.quantized = quantized
    self.convolutions = convolutions
  }
}

extension Module {
  /// Turns the folded convolutions inside this module into int8 ones.
  ///
  /// `calibrate` runs the module on sample inputs, as many as it likes; the range of each convolution's inputs is taken
  /// from them. A convolution that saw no input or a negative one stays as it was: in an image network that is the first.
  /// Nothing is changed where this throws.
  /// - Throws: `QuantizationError`; whatever `calibrate` throws.
  package func quantize(calibrate: () throws -> Void) throws -> QuantizationCount {
    let convolutions = modules.compactMap { $0 as? Convolution }
    guard convolutions.allSatisfy({ $0.weight.device == .cpu }) else { throw QuantizationError.notOnCPU }
    for convolution in convolutions { convolution.observe() }
    defer { for convolution in convolutions { convolution.stopObserving() } }
    try withoutGradients { try calibrate() }
    let inputs = try convolutions.map { try $0.largestInput }
    guard inputs.contains(where: { $0 != nil }) else { throw QuantizationError.nothingToQuantize }
    for (convolution, largest) in zip(convolutions, inputs) { convolution.stopObserving(largestInput: largest) }
    return QuantizationCount(quantized: inputs.count { $0 != nil }, of: inputs.count)
  }
}

/// A network that cannot be turned into int8.
public enum QuantizationError: Error, Equatable, CustomStringConvertible, Sendable {
  case notOnCPU
  /// Activations on the sample inputs are infinite or not a number.
  case notFinite
  /// There is no convolution, or none whose inputs allow it.
  case nothingToQuantize

  public var description: String {
    switch self {
    case .notOnCPU: "int8 runs on the CPU only; use float32"
    case .notFinite: "the network's activations are not finite on the calibration inputs; its weights may be damaged"
    case .nothingToQuantize: "no convolution of the network can work in int8: none has inputs that are never negative"
    }
  }
}
