// What a network gives and costs, read off its graph: for a network of the zoo and for one in a file alike.

import Graph
import Kindred

/// What is known of a network for images of a shape, whatever its weights are.
package struct NetworkFacts: Sendable {
  /// The places whose activations can be compared, from input to output.
  package let taps: [String]
  /// The number of classes that it was looked at with.
  package let classes: Int
  /// The names of the weights that read the images, and of the layer that makes the logits; empty where they are not known.
  let stem: String
  let classifier: String
  /// The names of the trained tensors that the activation at each tap is made of, and all of them.
  private let parts: [String: Set<String>]
  private let trained: Set<String>
  private let own: NetworkDescription
  private let ownCost: NetworkCost
  /// The numbers that the classifier reads for each class; nil where the logits are made otherwise.
  private let classifierInputs: Int?

  /// - Parameter parameters: the trained numbers; nil for those that the graph's values come of.
  package init(name: String, _ graph: Graph, parameters: Int? = nil) {
    own = NetworkDescription(name: name, graph)
    taps = graph.taps.map(\.name)
    classes = own.classes ?? 0
    ownCost = NetworkCost(parameters: parameters ?? graph.parameterCount, multiplyAdds: graph.multiplyAdds)
    classifierInputs = graph.head?.weight.shape[1]
    let trained = Set(graph.tensors.filter(\.value.requiresGradient).keys)
    self.trained = trained
    parts = Dictionary(
      graph.taps.map { ($0.name, graph.part(before: [$0.name]).tensors.intersection(trained)) }
    ) { first, _ in first }
    stem = graph.nodes.first { $0.inputs.first == graph.input }?.inputs.dropFirst().first ?? ""
    let head = graph.nodes.last { $0.outputs.first == graph.logits }?.inputs.dropFirst().first ?? ""
    classifier = head.hasSuffix(".weight") ? String(head.dropLast(".weight".count)) : head
  }

  /// A network of no activations.
  init(name: String, parameters: Int) {
    own = NetworkDescription(name: name, classes: nil, taps: [:])
    ownCost = NetworkCost(parameters: parameters, multiplyAdds: 0)
    (taps, classes, classifierInputs, stem, classifier) = ([], 1, nil, "", "")
    (parts, trained) = ([:], [])
  }

  /// What it gives with a classifier of so many classes; without logits for nil.
  package func description(classes: Int?) -> NetworkDescription {
    var description = own
    description.classes = classes
    return description
  }

  /// What it costs with a classifier of so many classes.
  package func cost(classes: Int) -> NetworkCost {
    let (more, inputs) = (classes - self.classes, classifierInputs ?? 0)
    return NetworkCost(
      parameters: ownCost.parameters + more * (inputs + 1), multiplyAdds: ownCost.multiplyAdds + more * inputs)
  }

  /// The taps at which nothing changes any more where the network is frozen up to some taps.
  package func frozenTaps(upTo frozen: [String]) -> Set<String> {
    let part = tensors(before: frozen)
    return frozen.isEmpty ? [] : Set(parts.filter { $0.value.isSubset(of: part) }.keys)
  }

  /// Whether nothing would be left to train.
  package func isFrozenWhole(upTo frozen: [String]) -> Bool { trained.isSubset(of: tensors(before: frozen)) }

  private func tensors(before taps: [String]) -> Set<String> {
    taps.reduce(into: []) { $0.formUnion(parts[$1] ?? []) }
  }

  /// Whether the logits come of one linear layer, which can be made for other classes.
  package var hasClassifier: Bool { classifierInputs != nil }
}
