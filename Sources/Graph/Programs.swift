// The programs of a graph, one for each set of values that somebody asked for.

import Torch

/// Runs graphs of one network, as often as it likes for whatever is asked for.
package final class Programs {
  private struct Key: Hashable {
    let inputShape: [Int]
    let outputs: [String]
  }

  private let frozen: FrozenLayers?
  private var programs: [Key: Program] = [:]

  /// - Parameter frozen: how the layers of a network that no longer changes are run; nil to run each operation by itself,
  ///   and differentiably.
  package init(frozen: FrozenLayers? = nil) { self.frozen = frozen }

  /// The values of a batch.
  /// - Throws: `UnknownOperation`.
  package func run(_ graph: Graph, on batch: Tensor, for outputs: [String], isTraining: Bool = false) throws -> [Tensor]
  {
    let key = Key(inputShape: graph.inputShape, outputs: outputs)
    let program = try programs[key] ?? Program(graph, outputs: outputs, frozen: frozen)
    programs[key] = program
    return try program.run(batch, isTraining: isTraining)
  }

  /// Forgets what was made, since the layers have changed.
  package func removeAll() { programs = [:] }
}
