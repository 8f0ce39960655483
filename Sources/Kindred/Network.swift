// The networks that teach and learn: plain mathematics, from which a graph is made.

import Graph
import Torch

/// A network whose intermediate activations can be tapped.
///
/// A subclass writes its computation in `forward` as plain mathematics, with `taps["stage1"] = output` where an activation
/// can be asked for. One pass of it is traced, and what runs is the graph: it stops where nothing further is asked for,
/// and works in place where it may. Code that does another thing for other inputs, or changes tensors in place, cannot be
/// traced and runs as it is written, with the same results.
open class Network: Module {
  private let tracing = Tracing()

  /// The logits of a batch (N x classes), nil where the network gives none; activations are named on the way.
  open func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    fatalError("\(type(of: self)) has no forward(_:_:)")
  }

  /// The layer that makes logits of the pooled vector; nil where the network does not tell.
  open var classifier: Linear? { nil }

  /// What makes logits of what the backbone gives: the classifier. Empty where the network does not tell.
  open var headModules: [Module] { [classifier].compactMap { $0 } }

  /// The wanted activations of a batch.
  public final func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    guard let graph = try? graph(of: Array(input.shape.dropFirst())), hasOneMode else {
      return written(of: input, request)
    }
    do {
      return try graph.activations(request) { outputs in
        try tracing.programs.run(graph, on: input, for: outputs, isTraining: isTraining)
      }
    } catch {
      return written(of: input, request)
    }
  }

  /// What the network computes for inputs of a shape (without the batch's axis).
  /// - Throws: `UntraceableNetwork` where one pass does not tell; `TorchError` for inputs that it cannot take.
  public final func graph(of inputShape: [Int]) throws -> Graph {
    let result = tracing.graphs[inputShape] ?? Result { try makeGraph(of: inputShape).freezing(tracing.frozenTaps) }
    tracing.graphs[inputShape] = result
    return try result.get()
  }

  /// Makes what `graph(of:)` gives and keeps: the trace of `forward`.
  /// - Throws: as `graph(of:)`.
  open func makeGraph(of inputShape: [Int]) throws -> Graph {
    try Graph(tracing: inputShape, state: state, forward)
  }

  /// Freezes all that the activations at some taps are made of: parameters there are trained no more, and in training batch
  /// norms there use their running statistics and leave them as they are. `inputShape` is of one
  /// input, without the batch's axis.
  /// - Throws: `StateError` for a tap that there is not; as `graph(of:)`.
  public final func freeze(upTo taps: [String], inputShape: [Int]) throws {
    let graph = try graph(of: inputShape)
    for tap in taps where !graph.taps.contains(where: { $0.name == tap }) {
      throw StateError(entry: tap, problem: "is no tap of the network")
    }
    (tracing.frozenTaps, tracing.graphs) = (taps, [:])
    tracing.programs.removeAll()
    for name in graph.part(before: taps).tensors { graph.tensors[name]?.requiresGradient = false }
  }

  /// As the code says it.
  private func written(of input: Tensor, _ request: ActivationRequest) -> Activations {
    let taps = Taps()
    let logits = DropoutPlaces.counted { forward(input, taps) }
    return Activations(
      logits: request.logits ? logits : nil,
      taps: taps.all.filter { request.taps.contains($0.key) })
  }

  /// Whether all modules inside are in the network's own mode, training or evaluation: a graph has one.
  private var hasOneMode: Bool {
    let modules = tracing.modules ?? modules
    tracing.modules = modules
    return modules.allSatisfy { $0.isTraining == isTraining }
  }

  /// Whether steps draw what is dropped, so that no two are the same.
  package var hasDropout: Bool {
    modules.contains { module in
      if let network = module as? GraphNetwork { return network.dropsElements }
      return (module as? Dropout).map { $0.ratio > 0 } ?? false
    }
  }

  /// What was found out about a network, once.
  private final class Tracing {
    var graphs: [[Int]: Result<Graph, any Error>] = [:]
    var frozenTaps: [String] = []
    let programs = Programs()
    var modules: [Module]?
  }
}

extension Network {
  /// What the network gives for inputs of a shape (without the batch's axis).
  public func description(name: String, inputShape: [Int]) -> NetworkDescription {
    if let graph = try? graph(of: inputShape) { return NetworkDescription(name: name, graph) }
    let wasTraining = isTraining
    evaluate()
    defer { train(wasTraining) }
    let taps = Taps()
    let logits = withoutGradients {
      forward(.zeros([1] + inputShape, device: state.first?.tensor.device ?? .cpu), taps)
    }
    return NetworkDescription(
      name: name, classes: logits?.shape.last, taps: taps.all.mapValues { Array($0.shape.dropFirst()) })
  }

  /// The batch norms before the ReLUs that see tapped activations, by tap.
  public func normalizations(of inputShape: [Int]) -> [String: TapNormalization] {
    guard let graph = try? graph(of: inputShape) else { return [:] }
    return graph.taps.reduce(into: [:]) { result, tap in
      result[tap.name] = graph.normalization(at: tap.name).map { TapNormalization(weight: $0.weight, bias: $0.bias) }
    }
  }
}

/// The batch norm just before the ReLU that sees a tapped activation: on the data that the network was trained on, each of
/// the C channels that it gives has its `bias` as mean and its `weight` as deviation.
public struct TapNormalization {
  /// C.
  public let weight: Tensor
  /// C.
  public let bias: Tensor

  /// A norm of these parameters.
  public init(weight: Tensor, bias: Tensor) {
    self.weight = weight
    self.bias = bias
  }
}

extension NetworkDescription {
  /// What a graph gives.
  public init(name: String, _ graph: Graph) {
    self.init(
      name: name, classes: graph.logits.flatMap { graph.shapes[$0]?.last },
      taps: Dictionary(uniqueKeysWithValues: graph.taps.map { ($0.name, graph.shapes[$0.value] ?? []) }))
  }
}

extension Graph {
  /// The wanted activations, from what `run` gives for the values that they are.
  func activations(_ request: ActivationRequest, run: ([String]) throws -> [Tensor]) rethrows -> Activations {
    let taps = taps.filter { request.taps.contains($0.name) }
    let logits = request.logits ? logits : nil
    let values = Array(Set(taps.map(\.value) + [logits].compactMap { $0 })).sorted()
    let tensors = Dictionary(uniqueKeysWithValues: zip(values, try run(values)))
    return Activations(
      logits: logits.flatMap { tensors[$0] },
      taps: taps.reduce(into: [:]) { $0[$1.name] = tensors[$1.value] })
  }
}
