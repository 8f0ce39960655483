// PyTorch's default initialisation of convolutions and linear layers, to the bit.

extension Generator {
  /// `kaiming_uniform_` with a = sqrt(5), computed in PyTorch's order so that the bits agree: uniform in
  /// +-1/sqrt(fan in).
  func defaultWeight(_ shape: [Int], fanIn: Int) -> Tensor {
    let slope = 5.0.squareRoot()
    let gain = (2 / (1 + slope * slope)).squareRoot()
    let bound = 3.0.squareRoot() * (gain / Double(fanIn).squareRoot())
    return uniform(shape, -bound..<bound)
  }

  /// Uniform in +-1/sqrt(fan in).
  func defaultBias(_ count: Int, fanIn: Int) -> Tensor {
    let bound = 1 / Double(fanIn).squareRoot()
    return uniform([count], -bound..<bound)
  }
}
