// Memory that crosses from a thread without libtorch into a tensor.

import CTorch

/// Elements that one thread fills and hands over; a tensor made of them takes the memory as it is.
///
/// Whoever filled it must not touch it once it is handed over.
package final class TensorBuffer<Element: TensorElement>: @unchecked Sendable {
  /// The elements, not initialised at first.
  package let elements: UnsafeMutableBufferPointer<Element>

  /// Aligned for the widest vector instructions.
  package init(count: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count * Element.dtype.byteCount, 1), alignment: 64)
    elements = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Element.self), count: count)
  }

  deinit { UnsafeMutableRawPointer(elements.baseAddress)?.deallocate() }
}

extension Tensor {
  /// A tensor on the CPU whose memory is the buffer's, in row-major order of `shape`.
  package convenience init<Element>(_ buffer: TensorBuffer<Element>, shape: [Int]) {
    precondition(shape.reduce(1, *) == buffer.elements.count, "\(buffer.elements.count) elements do not fill \(shape)")
    let owner = Unmanaged.passRetained(buffer).toOpaque()
    let handle = withInts(shape) {
      ct_from_memory(
        buffer.elements.baseAddress, $0, Element.dtype.rawValue,
        { owner in if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() } }, owner)
    }
    if handle == nil { check(1, "from_memory") }
    self.init(owning: handle ?? ct_undefined())
  }
}
