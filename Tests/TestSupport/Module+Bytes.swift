// Whether two modules hold the same values, to the bit.

import Torch

extension Module {
  /// Every entry's bytes by name.
  package var bytes: [String: [UInt8]] {
    Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.bytes()) })
  }
}
