// Relations of large batches, some rows at a time: memory grows like the batch, and not like its square.

import Torch

/// The rows of something of `count` rows, in blocks of as many as are computed at once.
///
/// A block has 2^22 numbers at most, unless one row has more.
/// - Parameter numbersEach: how many numbers a row stands for.
func rowBlocks(of count: Int, numbersEach: Int) -> [Range<Int>] {
  let block = max((1 << 22) / numbersEach, 1)
  return stride(from: 0, to: count, by: block).map { $0..<min($0 + block, count) }
}

/// The sum of a scalar over blocks of work on the same input, with its gradient at the input and nowhere else.
///
/// Each block's gradient is computed at once, so that what it needs is freed before the next block: the sum's own graph is
/// one product.
func sumOverBlocks(
  _ input: Tensor, _ blocks: [Range<Int>], _ value: (_ input: Tensor, _ block: Range<Int>) -> Tensor
) -> Tensor {
  let leaf = input.detached()
  leaf.requiresGradient = true
  let sum = leaf.constant(0).reshaped([])
  let gradient = leaf.zerosLike()
  for block in blocks {
    let part = value(leaf, block)
    sum.addInPlace(part.detached())
    // None is recorded where gradients are switched off.
    if part.requiresGradient, let own = part.gradients(of: [leaf])[0] { gradient.addInPlace(own) }
  }
  let linear = (input * gradient).sum()
  return sum + (linear - linear.detached())
}

/// A b x b matrix of a batch that is too large for it: computed some rows at a time, each time they are asked for.
struct MatrixInRows {
  let blocks: [Range<Int>]
  let rows: (Range<Int>) -> Tensor

  /// The matrix after all.
  var whole: Tensor { .concatenated(blocks.map(rows)) }
}
