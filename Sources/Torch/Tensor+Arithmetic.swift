// Element by element arithmetic, matrix products and in-place changes.

import CTorch

extension Tensor {
  /// The sum, element by element; shapes are broadcast as in PyTorch.
  public static func + (a: Tensor, b: Tensor) -> Tensor { adopt(ct_add(a.handle, b.handle), "add", [a, b]) }
  /// The difference, element by element; shapes are broadcast.
  public static func - (a: Tensor, b: Tensor) -> Tensor { adopt(ct_subtract(a.handle, b.handle), "sub", [a, b]) }
  /// The product, element by element; shapes are broadcast.
  public static func * (a: Tensor, b: Tensor) -> Tensor { adopt(ct_multiply(a.handle, b.handle), "mul", [a, b]) }
  /// The quotient, element by element; shapes are broadcast.
  public static func / (a: Tensor, b: Tensor) -> Tensor { adopt(ct_divide(a.handle, b.handle), "div", [a, b]) }
  // Integers stay integers under whole numbers.
  /// A number added to each element.
  public static func + (a: Tensor, b: Double) -> Tensor { adopt(ct_add_scalar(a.handle, b), "add", [a]) }
  /// A number taken from each element.
  public static func - (a: Tensor, b: Double) -> Tensor { adopt(ct_add_scalar(a.handle, -b), "sub", [a]) }
  /// Each element times a number.
  public static func * (a: Tensor, b: Double) -> Tensor { adopt(ct_multiply_scalar(a.handle, b), "mul", [a]) }
  /// Each element divided by a number.
  public static func / (a: Tensor, b: Double) -> Tensor { adopt(ct_divide_scalar(a.handle, b), "div", [a]) }
  /// Each element's negative.
  public static prefix func - (a: Tensor) -> Tensor { adopt(ct_negate(a.handle), "neg", [a]) }

  /// Each element to a power.
  public func pow(_ exponent: Double) -> Tensor { adopt(ct_power(handle, exponent), "pow", [self]) }
  /// Each element times itself.
  public func squared() -> Tensor { self * self }
  /// Each element's magnitude.
  public func abs() -> Tensor { adopt(ct_absolute(handle), "abs", [self]) }
  /// Each element's square root.
  public func sqrt() -> Tensor { adopt(ct_square_root(handle), "sqrt", [self]) }
  /// e to the power of each element.
  public func exp() -> Tensor { adopt(ct_exponential(handle), "exp", [self]) }
  /// Each element's natural logarithm.
  public func log() -> Tensor { adopt(ct_logarithm(handle), "log", [self]) }

  /// To whole numbers, halves to the even one.
  public func rounded() -> Tensor { adopt(ct_round(handle), "round", [self]) }

  /// `scale` times this plus `shift`, in one pass.
  public func affine(scale: Double, shift: Double) -> Tensor {
    adopt(ct_affine(handle, scale, shift), "add", [self])
  }

  /// No element below `minimum`.
  public func clamped(minimum: Double) -> Tensor { adopt(ct_clamp_minimum(handle, minimum), "clamp_min", [self]) }

  /// Each element brought into a range, `torch.nn.functional.hardtanh`: what lies at a bound or beyond takes no gradient.
  public func hardtanh(_ range: ClosedRange<Double>) -> Tensor {
    adopt(
      ct_hardtanh(handle, range.lowerBound, range.upperBound), "hardtanh", [self],
      ["min_val": .number(range.lowerBound), "max_val": .number(range.upperBound)])
  }

  /// Each element that is above `limit`, and `value` in place of the others, which takes no gradient.
  public func threshold(_ limit: Double, _ value: Double) -> Tensor {
    adopt(ct_threshold(handle, limit, value), "threshold", [self])
  }

  /// Where each element equals the other's: a tensor of bool.
  public func equal(to other: Tensor) -> Tensor { adopt(ct_equal(handle, other.handle), "eq", [self, other]) }
  /// Where elements equal a number, as booleans.
  public func equal(to value: Double) -> Tensor { adopt(ct_equal_scalar(handle, value), "eq", [self]) }
  /// Where elements are greater than a number, as booleans.
  public func greater(than value: Double) -> Tensor { adopt(ct_greater_scalar(handle, value), "gt", [self]) }

  /// Where each element is neither infinite nor not a number.
  public var isFinite: Tensor { adopt(ct_is_finite(handle), "isfinite", [self]) }

  /// Whether every element is finite. Waits for a CUDA device.
  package var isAllFinite: Bool { Int(isFinite.sum().item) == count }

  /// `a` where `condition` holds, else `b`.
  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    adopt(ct_where(condition.handle, a.handle, b.handle), "where", [condition, a, b])
  }

  /// The matrix product, batched over leading axes as in PyTorch.
  public func matmul(_ other: Tensor) -> Tensor { adopt(ct_matmul(handle, other.handle), "matmul", [self, other]) }

  /// The products of the rows with each other, b x b for b x n, batched over leading axes.
  ///
  /// The same as a `matmul` with itself transposed, but its gradient is one product and not two.
  public func gram() -> Tensor { adopt(ct_gram(handle), "gram", [self]) }

  /// The L2 distances of the rows (b x n) from the other's (c x n): b x c. Equal rows take no gradient.
  public func cdist(_ other: Tensor) -> Tensor { adopt(ct_cdist(handle, other.handle), "cdist", [self, other]) }

  /// The lower triangular factor L of a symmetric positive definite matrix L L^T, batched over leading axes. Any other
  /// matrix is an error on the CPU, and gives numbers without a meaning on a CUDA device, which is not waited for.
  public func cholesky() -> Tensor { adopt(ct_cholesky(handle), "linalg_cholesky", [self]) }

  /// X with `self` X = `right`, for this lower triangular matrix.
  public func solveLowerTriangular(_ right: Tensor) -> Tensor {
    adopt(ct_solve_lower_triangular(handle, right.handle), "linalg_solve_triangular", [self, right])
  }

  /// Writes rows over those that an integer tensor of one axis names; of a row that is named twice one is kept.
  public func indexCopyInPlace(_ indices: Tensor, _ rows: Tensor) {
    check(ct_index_copy_in_place(handle, indices.handle, rows.handle), "index_copy_", [self, indices, rows])
  }

  /// Adds `scale` times another tensor.
  public func addInPlace(_ other: Tensor, scale: Double = 1) {
    check(ct_add_in_place(handle, other.handle, scale), "add_", [self, other])
  }

  /// Adds a number to each element, in place.
  public func addInPlace(_ value: Double) { check(ct_add_scalar_in_place(handle, value), "add_", [self]) }

  /// Sets each element to a number.
  public func fillInPlace(_ value: Double) { check(ct_fill_in_place(handle, value), "fill_", [self]) }

  /// Copies another tensor's elements, converting type and device, broadcasting its shape.
  public func copyInPlace(_ other: Tensor) { check(ct_copy_in_place(handle, other.handle), "copy_", [self, other]) }

  /// Sets negative elements to zero.
  public func reluInPlace() { check(ct_relu_in_place(handle), "relu_", [self]) }

  /// Brings each element into a range.
  public func clampInPlace(_ range: ClosedRange<Double>) {
    check(ct_clamp_in_place(handle, range.lowerBound, range.upperBound), "clamp_", [self])
  }
}
