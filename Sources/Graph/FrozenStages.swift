// The part of a network that is trained no more while the rest is.

import Torch

extension Graph {
  /// The names of the operations that the activations at some taps are made by, and of the floating-point tensors that these
  /// read.
  public func part(before taps: [String]) -> (nodes: Set<String>, tensors: Set<String>) {
    let made = nodes(for: taps.compactMap { value(of: $0) })
    let read = made.flatMap(\.inputs).filter { tensors[$0]?.isFloatingPoint ?? false }
    return (Set(made.map(\.name)), Set(read))
  }

  /// The same graph, in which what the activations at some taps are made by works as in evaluation.
  public func freezing(_ taps: [String]) -> Graph {
    var graph = self
    graph.frozenNodes = part(before: taps).nodes
    return graph
  }
}
