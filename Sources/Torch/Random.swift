// Random numbers: PyTorch's CPU generator, with its state in the caller's hands.

import CTorch

/// PyTorch's Mersenne Twister: the same seed gives the numbers that `torch.manual_seed` gives.
public final class Generator {
  private let handle: ct_generator
  private let draws: Bool

  /// A generator that draws what PyTorch draws after `torch.manual_seed(seed)`.
  public init(seed: UInt64) {
    handle = ct_generator_create(seed)
    draws = true
  }

  private init() {
    handle = ct_generator_create(0)
    draws = false
  }

  /// Draws nothing and costs nothing: tensors hold whatever lay in their memory. For networks of which nothing but the
  /// structure is wanted.
  package static var undrawn: Generator { Generator() }

  deinit { ct_generator_free(handle) }

  /// The whole state as bytes, to be kept and put back.
  public var state: [UInt8] {
    get { adopt(ct_generator_state(handle), "get_state").elements() }
    set {
      let state = Tensor(newValue, shape: [newValue.count])
      check(ct_generator_set_state(handle, state.handle), "set_state", [state])
    }
  }

  /// Fills a tensor with numbers drawn evenly from `range`.
  public func fillUniform(_ tensor: Tensor, _ range: Range<Double> = 0..<1) {
    guard draws else { return }
    check(ct_uniform_in_place(tensor.handle, range.lowerBound, range.upperBound, handle), "uniform_", [tensor])
  }

  /// Fills a tensor with normally distributed numbers.
  public func fillNormal(_ tensor: Tensor, mean: Double = 0, deviation: Double = 1) {
    guard draws else { return }
    check(ct_normal_in_place(tensor.handle, mean, deviation, handle), "normal_", [tensor])
  }

  /// A tensor on the CPU, uniform in `range`.
  public func uniform(_ shape: [Int], _ range: Range<Double> = 0..<1, dtype: DType = .float32) -> Tensor {
    let tensor = Tensor.empty(shape, dtype: dtype)
    fillUniform(tensor, range)
    return tensor
  }

  /// A tensor on the CPU, normally distributed.
  public func normal(_ shape: [Int], mean: Double = 0, deviation: Double = 1, dtype: DType = .float32) -> Tensor {
    let tensor = Tensor.empty(shape, dtype: dtype)
    fillNormal(tensor, mean: mean, deviation: deviation)
    return tensor
  }

  /// 0 ... count - 1 in random order.
  public func permutation(_ count: Int) -> Tensor { adopt(ct_random_permutation(Int64(count), handle), "randperm") }
}
