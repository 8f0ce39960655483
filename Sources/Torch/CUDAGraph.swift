// A sequence of work for a device, captured once and replayed as a whole.

import CTorch

/// Captures what a piece of code has a device do, and has the device do it again: on the same memory, with whatever is
/// in it by then.
///
/// The code must do the same each time and wait for nothing: read no element of a tensor, and bring none to the device.
public protocol WorkCapture: AnyObject {
  /// Runs `body` with all its work in one order, in which captures and replays take their places.
  func inOrder<Result>(_ body: () throws -> Result) throws -> Result

  /// Runs `body` once to note its work. The device does not do it before `replay`.
  func capture(_ body: @escaping () throws -> Void) throws

  /// Has the device do the captured work again.
  func replay()
}

/// A CUDA graph. One launch does what otherwise takes one for each operation, which is what small networks spend their
/// time on.
///
/// Memory that is allocated during the capture is the graph's own as long as it lives.
public final class CUDAGraph: WorkCapture {
  private let handle: ct_graph

  /// - Throws: `TorchError` where there is no such device.
  public init(device: Int = 0) throws {
    let made = try withTorchErrors {
      let made = ct_graph_create(Int32(device))
      if made == nil { check(1, "cuda_graph") }
      return made
    }
    guard let made else { preconditionFailure("a failure inside of withTorchErrors is thrown") }
    handle = made
  }

  deinit { ct_graph_free(handle) }

  /// On a stream of its own, since the default one cannot be captured. Work queued before comes first.
  public func inOrder<Result>(_ body: () throws -> Result) throws -> Result {
    check(ct_graph_enter(handle), "cuda_stream")
    defer { check(ct_graph_leave(handle), "cuda_stream") }
    return try body()
  }

  /// - Throws: `TorchError` for work that cannot be captured; whatever `body` throws.
  public func capture(_ body: @escaping () throws -> Void) throws {
    try withTorchErrors {
      check(ct_graph_begin_capture(handle), "cuda_graph")
      defer { check(ct_graph_end_capture(handle), "cuda_graph") }
      try body()
    }
  }

  /// Has the device do the captured work again.
  public func replay() { check(ct_graph_replay(handle), "cuda_graph") }
}
