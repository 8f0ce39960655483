// What int8 needs to know of a network, and what it says of one that it cannot work for.

import Torch

/// The inputs that a convolution has seen.
struct InputRange {
  private var inputs: [(lowest: Double, highest: Double)] = []

  mutating func include(_ input: Tensor) { inputs.append((input.minimum().item, input.maximum().item)) }

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

extension Graph {
  /// How many convolutions work in fewer bits than 32, as an ONNX file says it.
  package var reducedConvolutions: QuantizationCount {
    let (producers, convolutions) = (producers, nodes.filter { $0.operation == "Conv" })
    let reduced = convolutions.filter {
      tensors[$0.inputs[1]]?.dtype == .float16 || producers[$0.inputs[0]]?.operation == "DequantizeLinear"
    }
    return QuantizationCount(quantized: reduced.count, of: convolutions.count)
  }
}

/// A network that cannot be turned into int8.
public enum QuantizationError: Error, Equatable, CustomStringConvertible, Sendable {
  case notOnCPU
  /// Activations on the sample inputs are infinite or not a number.
  case notFinite
  /// There is no convolution, or none whose inputs allow it.
  case nothingToQuantize
  /// The network's code does something that no graph can hold.
  case notTraceable(String)

  public var description: String {
    switch self {
    case .notOnCPU: "int8 runs on the CPU only; use float32"
    case .notFinite: "the network's activations are not finite on the calibration inputs; its weights may be damaged"
    case .nothingToQuantize: "no convolution of the network can work in int8: none has inputs that are never negative"
    case .notTraceable(let reason): "int8 needs a network whose computation can be told from one pass: \(reason)"
    }
  }
}
