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
/// Each block's gradient is computed at once, so that what it needs is freed before the next block: of the sum only the gradient
/// is kept.
/// - Parameter value: is given the input, the block's rows of it, and which these are.
func sumOverBlocks(
  _ input: Tensor, _ blocks: [Range<Int>], _ value: (_ input: Tensor, _ rows: Tensor, _ block: Range<Int>) -> Tensor
) -> Tensor {
  let leaf = input.detached()
  leaf.requiresGradient = true
  let sum = leaf.constant(0).reshaped([])
  let gradient = leaf.zerosLike()
  for block in blocks {
    // A leaf of their own: as a part of the input their gradient would be as large as the input's.
    let rows = leaf.detached().narrowed(0, block)
    rows.requiresGradient = true
    let part = value(leaf, rows, block)
    sum.addInPlace(part.detached())
    // None is recorded where gradients are switched off.
    guard part.requiresGradient else { continue }
    let gradients = part.gradients(of: [leaf, rows])
    if let whole = gradients[0] { gradient.addInPlace(whole) }
    if let own = gradients[1] { gradient.narrowed(0, block).addInPlace(own) }
  }
  guard input.requiresGradient else { return sum }
  return .value(sum, of: input) { gradient * $0 }
}

/// A b x b matrix of a batch that is too large for it: computed some rows at a time, each time they are asked for.
struct MatrixInRows {
  let blocks: [Range<Int>]
  let rows: (Range<Int>) -> Tensor

  /// The matrix after all.
  var whole: Tensor { .concatenated(blocks.map(rows)) }
}
