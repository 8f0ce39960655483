// The distribution of the shares in which images are mixed.

import Foundation
import Kindred

extension SplitMix64 {
  /// A number of the distribution Beta(alpha, alpha), alpha above 0.
  ///
  /// Exact, without rejection: with U and V uniform, cos(2 pi V) sqrt(2 alpha (U^(-1/alpha) - 1)) has Student's distribution of
  /// 2 alpha degrees of freedom (Bailey, 1994), and T / sqrt(2 alpha + T^2) of such a T is 2 B - 1.
  mutating func symmetricBeta(_ alpha: Double) -> Double {
    precondition(alpha > 0, "a Beta distribution has a positive alpha")
    // U lies above 0: 1 is as likely as 0 would be.
    let square = expm1(-log(1 - unit()) / alpha)
    let cosine = cos(2 * Double.pi * unit())
    let size = 1 / (1 + 1 / (square * cosine * cosine)).squareRoot()
    return 0.5 + 0.5 * (cosine < 0 ? -size : size)
  }
}
