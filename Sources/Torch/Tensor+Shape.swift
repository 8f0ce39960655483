// Shapes, views and indexing.

import CTorch

extension Tensor {
  /// The same elements in another shape; one length may be -1 and is then worked out.
  public func reshaped(_ shape: [Int]) -> Tensor {
    withInts(shape) { adopt(ct_reshape(handle, $0), "reshape", [self]) }
  }

  /// All axes from `start` on made one.
  public func flattened(from start: Int = 0) -> Tensor {
    adopt(ct_flatten(handle, Int64(start)), "flatten", [self], ["start_dim": .int(start)])
  }

  /// The axes in another order.
  public func permuted(_ axes: [Int]) -> Tensor {
    withInts(axes) { adopt(ct_permute(handle, $0), "permute", [self], ["dims": .ints(axes)]) }
  }

  /// Two axes exchanged.
  public func transposed(_ first: Int = -2, _ second: Int = -1) -> Tensor {
    adopt(ct_transpose(handle, Int64(first), Int64(second)), "transpose", [self])
  }

  /// A new axis of length 1.
  public func unsqueezed(_ axis: Int) -> Tensor { adopt(ct_unsqueeze(handle, Int64(axis)), "unsqueeze", [self]) }

  /// An axis of length 1 removed.
  public func squeezed(_ axis: Int) -> Tensor { adopt(ct_squeeze(handle, Int64(axis)), "squeeze", [self]) }

  /// Axes of length 1 repeated to this shape, without copying.
  public func expanded(_ shape: [Int]) -> Tensor { withInts(shape) { adopt(ct_expand(handle, $0), "expand", [self]) } }

  /// The view of `range` along an axis.
  public func narrowed(_ axis: Int, _ range: Range<Int>) -> Tensor {
    adopt(
      ct_narrow(handle, Int64(axis), Int64(range.lowerBound), Int64(range.count)), "narrow", [self],
      ["dim": .int(axis), "start": .int(range.lowerBound), "length": .int(range.count)])
  }

  /// The view of one index along an axis, which disappears.
  public func selected(_ axis: Int, _ index: Int) -> Tensor {
    adopt(ct_select(handle, Int64(axis), Int64(index)), "select", [self])
  }

  /// Element or sub-tensor `index` of the first axis.
  public subscript(index: Int) -> Tensor { selected(0, index) }

  /// Those entries of an axis that an integer tensor of one axis names, in its order.
  public func indexSelect(_ axis: Int, _ indices: Tensor) -> Tensor {
    adopt(ct_index_select(handle, Int64(axis), indices.handle), "index_select", [self, indices])
  }

  /// For each position of `indices`, the element at that index along an axis.
  public func gather(_ axis: Int, _ indices: Tensor) -> Tensor {
    adopt(ct_gather(handle, Int64(axis), indices.handle), "gather", [self, indices])
  }

  /// Axes reversed.
  public func flipped(_ axes: [Int]) -> Tensor { withInts(axes) { adopt(ct_flip(handle, $0), "flip", [self]) } }

  /// Padded with a constant: before and after for the last axis, then for the one before it, and so on.
  public func padded(_ padding: [Int], value: Double = 0) -> Tensor {
    withInts(padding) { adopt(ct_pad(handle, $0, value), "pad", [self]) }
  }

  /// Tensors joined along an axis that they have.
  public static func concatenated(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    withHandles(tensors) { adopt(ct_concatenate($0, Int64(axis)), "cat", tensors, ["dim": .int(axis)]) }
  }

  /// Tensors of one shape joined along a new axis.
  public static func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    withHandles(tensors) { adopt(ct_stack($0, Int64(axis)), "stack", tensors) }
  }
}
