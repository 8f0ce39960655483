// Tensors in short, as the golden files of networks have them.

import Torch

/// Sum, sum of absolute values, and the first four values, in float64, as the golden script has them.
func fingerprint(_ tensor: Tensor) -> [Double] {
  let values = tensor.detached().to(.float64).reshaped([-1])
  return sums(values) + values.narrowed(0, 0..<min(4, values.count)).elements(as: Double.self)
}

/// The same, with 16 values spread over the tensor.
func tapFingerprint(_ tensor: Tensor) -> [Double] {
  let values = tensor.detached().to(.float64).reshaped([-1])
  return sums(values) + (0..<16).map { values[$0 * 7919 % values.count].item }
}

private func sums(_ values: Tensor) -> [Double] { [values.sum().item, values.abs().sum().item] }

/// Sums may differ by a part of the sum of absolute values, single values by the same part of themselves or of the
/// mean magnitude, whichever is larger. What is nothing but rounding, such as the gradient of a bias before a batch norm,
/// need not agree.
func agree(_ actual: [Double], _ expected: Tensor, count: Int, tolerance: Double, rounding: Double = 0) -> Bool {
  let wanted = expected.elements(as: Double.self)
  guard actual.count == wanted.count else { return false }
  let magnitude = wanted[1]
  return zip(actual, wanted).enumerated().allSatisfy { index, pair in
    let scale = index < 2 ? magnitude : max(magnitude / Double(count), abs(pair.1))
    return abs(pair.0 - pair.1) <= tolerance * scale + rounding
  }
}
