// The tensor: an owned libtorch handle and what can be asked of it.

import CTorch

/// An n-dimensional array of numbers, recorded for automatic differentiation where its inputs require gradients.
///
/// A tensor is a reference, as in PyTorch: operations whose names end in `InPlace` change what every holder of it sees.
/// Operations trap with libtorch's own words when shapes or types do not fit; inside `withTorchErrors` they throw.
/// A tensor belongs to the thread that works with it.
public final class Tensor {
  let handle: ct_tensor

  /// Takes ownership of a handle.
  init(owning handle: ct_tensor) { self.handle = handle }

  deinit { ct_free(handle) }

  /// The length of each axis; empty for a scalar.
  public var shape: [Int] {
    let count = ct_dimension_count(handle)
    return [Int64](unsafeUninitializedCapacity: count) { buffer, initialised in
      if count > 0 { ct_shape(handle, buffer.baseAddress) }
      initialised = count
    }.map(Int.init)
  }

  /// The step in memory, in elements, along each axis.
  public var strides: [Int] {
    let count = ct_dimension_count(handle)
    return [Int64](unsafeUninitializedCapacity: count) { buffer, initialised in
      if count > 0 { ct_strides(handle, buffer.baseAddress) }
      initialised = count
    }.map(Int.init)
  }

  /// The number of elements.
  public var count: Int { Int(ct_element_count(handle)) }

  /// The type of the elements.
  public var dtype: DType {
    guard let dtype = DType(rawValue: ct_options_of(handle).dtype) else {
      fatalError("element type \(ct_options_of(handle).dtype) is not one of Kindred's")
    }
    return dtype
  }

  /// Whether there is a tensor here at all and its elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    isDefined && DType(rawValue: ct_options_of(handle).dtype)?.isFloatingPoint ?? false
  }

  /// Where the elements lie.
  public var device: Device {
    let options = ct_options_of(handle)
    return options.device_kind == 0 ? .cpu : .cuda(Int(options.device_index))
  }

  /// False for what stands in place of a result that there is not, such as the gradient of an unused input.
  var isDefined: Bool { ct_is_defined(handle) }

  /// Whether the elements lie in memory in this order without gaps.
  public func isContiguous(_ layout: MemoryLayout4D = .contiguous) -> Bool { ct_is_contiguous(handle, layout.rawValue) }

  /// The elements in row-major order of the shape, converted to `Element` where the types differ.
  public func elements<Element: TensorElement>(as type: Element.Type = Element.self) -> [Element] {
    let source = dtype == Element.dtype ? self : to(Element.dtype)
    let count = source.count
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialised in
      check(
        ct_copy_to_bytes(source.handle, buffer.baseAddress, count * Element.dtype.byteCount), "elements", [source])
      initialised = count
    }
  }

  /// The elements' bytes in row-major order of the shape.
  public func bytes() -> [UInt8] {
    let size = count * dtype.byteCount
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialised in
      check(ct_copy_to_bytes(handle, buffer.baseAddress, size), "bytes", [self])
      initialised = size
    }
  }

  /// The only element. On a CUDA device this waits for it to be computed. Not a number after a failure inside
  /// `withTorchErrors`.
  public var item: Double {
    if !isDefined, ErrorRecorder.current?.first != nil { return .nan }
    precondition(count == 1, "item of a tensor of shape \(shape), which has not exactly one element")
    return elements(as: Double.self)[0]
  }
}

extension Tensor: CustomStringConvertible {
  /// Type, shape and, for small tensors, the elements.
  public var description: String {
    guard isDefined else { return "undefined tensor" }
    let values = count <= 16 ? " \(elements(as: Double.self))" : ""
    return "\(dtype)\(shape)\(values)"
  }
}

/// Calls `body` with integers as libtorch wants them.
func withInts<Result>(_ values: [Int], _ body: (ct_ints) -> Result) -> Result {
  values.map(Int64.init).withUnsafeBufferPointer { body(ct_ints(values: $0.baseAddress, count: $0.count)) }
}

/// Calls `body` with the handles of tensors, which outlive the call.
func withHandles<Result>(_ tensors: [Tensor], _ body: (ct_tensors) -> Result) -> Result {
  withExtendedLifetime(tensors) {
    tensors.map { Optional($0.handle) }.withUnsafeBufferPointer {
      body(ct_tensors(values: $0.baseAddress, count: $0.count))
    }
  }
}
