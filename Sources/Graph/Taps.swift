// How a network's code names the activations that can be asked for.

import Torch

/// Takes activations by name while a network runs: `taps["stage1"] = output`.
public final class Taps {
  /// What was named, in order.
  private(set) var named: [(name: String, activation: Tensor)] = []

  /// Nothing named yet.
  public init() {}

  /// An activation by its name. Named twice, the later one counts.
  public subscript(name: String) -> Tensor? {
    get { named.last { $0.name == name }?.activation }
    set {
      named.removeAll { $0.name == name }
      if let newValue { named.append((name, newValue)) }
    }
  }

  /// All of them by name.
  public var all: [String: Tensor] { Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0.activation) }) }
}
