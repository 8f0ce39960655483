// Computing in a narrower type where precision allows it.

import CTorch

/// Runs `body` with convolutions, linear layers and matrix products on a kind of device computed in `dtype`, the rest
/// as PyTorch's `autocast` does it. Parameters stay as they are, and so do their gradients' types.
public func withAutocast<Result>(_ dtype: DType, on device: Device, _ body: () throws -> Result) rethrows -> Result {
  let kind = ct_options(dtype, device).device_kind
  let before = ct_autocast(kind)
  check(ct_set_autocast(kind, dtype.rawValue), "autocast")
  defer { check(ct_set_autocast(kind, before), "autocast") }
  return try body()
}

/// The type that autocast asks for on the CPU at this moment.
var autocastDType: DType? { DType(rawValue: ct_autocast(0)) }
