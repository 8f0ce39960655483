// Which operations become one when a network no longer changes.

import Torch

/// A convolution and what follows it in the same pass: as much as nobody else reads on the way.
struct FusedNodes {
  let convolution: Graph.Node
  /// The batch norm that is folded into the weights.
  private(set) var norm: Graph.Node?
  /// The value that is added before the activation.
  private(set) var residual: String?
  /// What the results are clamped to.
  private(set) var range: ClosedRange<Double>?
  /// All of them, in order.
  private(set) var nodes: [Graph.Node]

  /// The value that they make.
  var output: String { nodes[nodes.count - 1].outputs[0] }

  /// What tells the folded weights apart.
  var key: String { "\(convolution.name) \(norm?.name ?? "")" }

  init(_ convolution: Graph.Node, _ graph: Graph, _ readers: Readers) throws {
    self.convolution = convolution
    nodes = [convolution]
    if let next = readers.only(of: output), next.operation == "BatchNormalization" {
      norm = next
      nodes.append(next)
    }
    if let next = readers.only(of: output), let other = FusedNodes.residual(of: next, beside: output, graph, readers) {
      residual = other
      nodes.append(next)
    }
    // After a sum oneDNN has nothing but the ReLU.
    if let next = readers.only(of: output), let range = try next.activationRange(in: graph),
      residual == nil || range == 0...(.infinity)
    {
      self.range = range
      nodes.append(next)
    }
  }

  /// What a sum adds to a convolution's result, where that convolution is to take the sum in: of two the first.
  private static func residual(
    of sum: Graph.Node, beside own: String, _ graph: Graph, _ readers: Readers
  ) -> String? {
    guard sum.operation == "Add", let place = sum.inputs.firstIndex(of: own) else { return nil }
    let other = sum.inputs[1 - place]
    guard other != own, graph.shapes[other] == graph.shapes[own] else { return nil }
    return place == 1 && isConvolved(other, readers) ? nil : other
  }

  /// Whether a convolution, alone or with its batch norm, makes a value for one reader.
  private static func isConvolved(_ value: String, _ readers: Readers) -> Bool {
    guard readers.only(of: value) != nil, let producer = readers.producers[value] else { return false }
    if producer.operation == "Conv" { return true }
    return producer.operation == "BatchNormalization" && readers.only(of: producer.inputs[0]) != nil
      && readers.producers[producer.inputs[0]]?.operation == "Conv"
  }
}

extension Graph.Node {
  /// What a ReLU or a clipping clamps to; nil for other operations.
  func activationRange(in graph: Graph) throws -> ClosedRange<Double>? {
    switch operation {
    case "Relu": 0...Double.infinity
    case "Clip": try clipRange(in: graph)
    default: nil
    }
  }
}

/// Nodes in groups that run as one, each when its last node's turn comes.
struct NodeGroups {
  private var groups: [FusedNodes] = []
  private var memberships: [String: Int] = [:]
  private let positions: [String: Int]
  private let readers: Readers

  init(of nodes: [Graph.Node], _ graph: Graph, _ readers: Readers) throws {
    positions = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.name, $0) })
    self.readers = readers
    for node in nodes where node.operation == "Conv" {
      guard try node.unevenPads() == nil, let weight = graph.tensors[node.inputs.at(1)], weight.dtype != .float16
      else { continue }
      let group = try FusedNodes(node, graph, readers)
      for member in group.nodes { memberships[member.name] = groups.count }
      groups.append(group)
    }
  }

  /// The group that a node is in.
  func group(of node: Graph.Node) -> FusedNodes? { memberships[node.name].map { groups[$0] } }

  /// Whether a group's result may be written over its residual: memory that nobody shares, that nobody reads afterwards,
  /// and that the convolution itself does not read meanwhile.
  func overwritesResidual(_ group: FusedNodes) -> Bool {
    guard let residual = group.residual, let all = readers.all(of: residual),
      let producer = readers.producers[residual],
      !producer.isView, !all.contains(where: \.isView), residual != group.convolution.inputs[0]
    else { return false }
    let end = turn(of: group.convolution)
    return all.allSatisfy { turn(of: $0) <= end }
  }

  private func turn(of node: Graph.Node) -> Int {
    let last = group(of: node).map { $0.nodes[$0.nodes.count - 1] } ?? node
    return positions[last.name] ?? 0
  }
}
