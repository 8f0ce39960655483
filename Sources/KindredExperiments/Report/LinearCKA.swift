// How alike two networks arrange the same images, whatever the widths of their layers.

import Torch

/// Linear CKA: Kornblith, Norouzi, Lee & Hinton, *Similarity of Neural Network Representations Revisited*, ICML 2019.
///
/// For activations flattened to X (n x p) and Y (n x q), centred over the n inputs: |Y^T X|^2 / (|X^T X| |Y^T Y|), squared
/// Frobenius norms above, which is the cosine of X X^T and Y Y^T as vectors. Between 0 and 1; the fewer inputs for the width,
/// the nearer to 1.
package struct CentredGram {
  /// n x n, divided by its norm; float64 on the CPU.
  private let matrix: Tensor

  /// - Parameter activations: n x ..., at least two inputs.
  package init(_ activations: Tensor) {
    let rows = activations.flattened(from: 1).to(.float64, device: .cpu)
    let centred = rows - rows.mean([0], keepingAxes: true)
    let products = centred.gram()
    let norm = products.squared().sum().item.squareRoot()
    matrix = norm > 0 ? products / norm : products
  }

  /// CKA of the two; 0 where one network gives all inputs the same.
  package func alignment(with other: CentredGram) -> Double { (matrix * other.matrix).sum().item }
}
