// Making tensors, and converting them between element types, devices and memory layouts.

import CTorch

extension Tensor {
  /// A tensor with these elements, in row-major order of `shape`.
  public convenience init<Element: TensorElement>(_ elements: [Element], shape: [Int]) {
    self.init(owning: elements.withUnsafeBytes { newHandle(bytes: $0, shape: shape, dtype: Element.dtype) })
  }

  /// A scalar.
  public convenience init(_ value: Double, dtype: DType = .float32) {
    let made = withInts([]) { adopt(ct_full($0, value, ct_options(dtype, .cpu)), "full") }
    self.init(owning: ct_clone(made.handle))
  }

  /// A tensor made of raw bytes, in row-major order of `shape`.
  public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
    self.init(owning: newHandle(bytes: bytes, shape: shape, dtype: dtype))
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 0, dtype: dtype, device: device)
  }

  /// A tensor of ones.
  public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 1, dtype: dtype, device: device)
  }

  /// A tensor of one number throughout.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    withInts(shape) { adopt(ct_full($0, value, ct_options(dtype, device)), "full") }
  }

  /// Memory whose contents are whatever was there.
  public static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    withInts(shape) { adopt(ct_empty($0, ct_options(dtype, device)), "empty") }
  }

  /// 0, 1, ... `count` - 1.
  public static func arange(_ count: Int, dtype: DType = .int64, device: Device = .cpu) -> Tensor {
    adopt(ct_arange(Int64(count), ct_options(dtype, device)), "arange")
  }

  /// The identity matrix.
  public static func eye(_ size: Int, dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    adopt(ct_eye(Int64(size), ct_options(dtype, device)), "eye")
  }

  /// Zeros in the shape, type and device of this tensor, with the same order in memory.
  public func zerosLike() -> Tensor {
    let result = detached().clone()
    result.fillInPlace(0)
    return result
  }

  /// The same elements as another type or on another device; this very tensor where nothing changes.
  public func to(_ dtype: DType? = nil, device: Device? = nil) -> Tensor {
    adopt(ct_to(handle, ct_options(dtype ?? self.dtype, device ?? self.device), false), "to", [self])
  }

  /// The same elements laid out without gaps in this order; this very tensor where it is so already.
  public func contiguous(_ layout: MemoryLayout4D = .contiguous) -> Tensor {
    adopt(ct_contiguous(handle, layout.rawValue), "contiguous", [self])
  }

  /// A copy with memory of its own, differentiable.
  public func clone() -> Tensor { adopt(ct_clone(handle), "clone", [self]) }

  /// The same memory outside of any recorded computation.
  public func detached() -> Tensor { adopt(ct_detach(handle), "detach", [self]) }

  /// Puts other data (type, device, layout) behind this tensor, for all who hold it.
  package func setData(_ data: Tensor) { check(ct_set_data(handle, data.handle), "set_data", [self, data]) }
}

/// A new handle that holds a copy of the bytes; an undefined one, reported, where the shape does not fit them.
private func newHandle(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) -> ct_tensor {
  let handle = withInts(shape) { ct_from_bytes(bytes.baseAddress, bytes.count, $0, dtype.rawValue) }
  if let handle { return handle }
  check(1, "from_bytes")
  return ct_undefined()
}
