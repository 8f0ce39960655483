// A teacher that another program exported, which need share nothing with the student but its inputs.

import Torch

/// An exported network of which it is known where in its result logits and activations lie.
public struct ExportedNetwork {
  /// A place in a network's result.
  public enum Place: Sendable, Hashable, CustomStringConvertible {
    /// In a tuple, counted from 0; a tuple within it counts as its elements.
    case index(Int)
    /// In a dictionary.
    case key(String)

    public var description: String {
      switch self {
      case .index(let index): "output \(index)"
      case .key(let key): "output '\(key)'"
      }
    }
  }

  /// The name among a network's outputs that stands for its logits; all others are activations.
  static let logitsName = "logits"

  /// Its name, classes and taps, as found out by running it.
  public let description: NetworkDescription
  private let model: ExportedModel
  private let positions: [String: Int]

  /// Runs the network once on zeros, to see what it gives.
  ///
  /// `outputs` says where in the result `logits` and the activations lie, by the names that losses use; `inputShape` is
  /// the shape of a batch, N x C x H x W for images; `device` is where the model was loaded to.
  /// - Throws: `ExportedModelError` for a network that does not take such a batch; `ExportedNetworkError` for one that
  ///   does not give these outputs for it.
  public init(
    _ model: ExportedModel, name: String, outputs: [String: Place], inputShape: [Int], device: Device = .cpu
  ) throws {
    self.model = model
    let result = try model(Tensor.zeros(inputShape, device: device))
    positions = try Dictionary(
      uniqueKeysWithValues: outputs.sorted { $0.key < $1.key }.map { ($0, try result.position(of: $1, named: $0)) })
    var shapes: [String: [Int]] = [:]
    for (name, index) in positions.sorted(by: { $0.key < $1.key }) {
      shapes[name] = try ExportedNetwork.shape(result.tensors[index], name, inputs: inputShape[0])
    }
    description = NetworkDescription(
      name: name, classes: shapes.removeValue(forKey: ExportedNetwork.logitsName)?.last, taps: shapes)
  }

  /// An output's shape without its batch axis.
  private static func shape(_ tensor: Tensor, _ name: String, inputs count: Int) throws -> [Int] {
    guard tensor.isFloatingPoint else {
      throw ExportedNetworkError(output: name, problem: "is not a tensor of floating-point numbers")
    }
    let shape = tensor.shape
    guard shape.count >= 2, shape[0] == count else {
      throw ExportedNetworkError(
        output: name,
        problem: "has shape \(shape) for \(count) inputs; its first axis must be the batch, and features must follow")
    }
    guard name != logitsName || shape.count == 2 else {
      throw ExportedNetworkError(output: name, problem: "has shape \(shape); logits are N x classes")
    }
    return Array(shape.dropFirst())
  }

  /// What the network gives for a batch, in float32.
  /// - Throws: `ExportedModelError` for a batch that it does not take; `ExportedNetworkError` where the shapes are not
  ///   those it gave for zeros.
  func activations(of input: Tensor, _ request: ActivationRequest) throws -> Activations {
    let result = try model(input)
    func output(_ name: String, _ shape: [Int]) throws -> Tensor {
      guard let index = positions[name], index < result.tensors.count,
        result.tensors[index].shape == [input.shape[0]] + shape
      else { throw ExportedNetworkError(output: name, problem: "has another shape than it had for a batch of zeros") }
      return result.tensors[index].to(.float32, device: input.device)
    }
    var activations = Activations()
    if request.logits, let classes = description.classes {
      activations.logits = try output(ExportedNetwork.logitsName, [classes])
    }
    for tap in request.taps {
      if let shape = description.taps[tap] { activations.taps[tap] = try output(tap, shape) }
    }
    return activations
  }
}

extension ExportedOutputs {
  fileprivate func position(of place: ExportedNetwork.Place, named name: String) throws -> Int {
    switch place {
    case .index(let index) where !isDictionary && tensors.indices.contains(index): return index
    case .key(let key):
      if let index = names.firstIndex(of: key) { return index }
    default: break
    }
    throw ExportedNetworkError(output: name, place: place, outputs: self)
  }
}

/// A result in which an output is not what it is said to be: one line.
public struct ExportedNetworkError: Error, CustomStringConvertible, Sendable {
  /// The name that the output was to have.
  public let output: String
  /// What is wrong with it.
  public let problem: String
  /// The key that is not in the result, and those that are.
  package let unknownKey: (key: String, known: [String])?

  init(output: String, problem: String) {
    self.output = output
    self.problem = problem
    unknownKey = nil
  }

  /// For a place that is not in the result.
  init(output: String, place: ExportedNetwork.Place, outputs: ExportedOutputs) {
    self.output = output
    if case .key(let key) = place { unknownKey = (key, outputs.names) } else { unknownKey = nil }
    problem =
      outputs.isDictionary
      ? "there is no \(place); the result is a dictionary with \(outputs.names.joined(separator: ", "))"
      : "there is no \(place); the result has \(outputs.tensors.count), counted from 0"
  }

  public var description: String { "\(output): \(problem)" }
}

/// An exported network that is run on every batch.
public struct ExportedTeacher: TeacherSignal {
  private let network: ExportedNetwork
  private let needs: TeacherNeeds
  private let request: ActivationRequest

  /// What a process alone needs of a network.
  public init(_ network: ExportedNetwork, statistics: Set<TeacherStatistic>) {
    self.init(network, needs: TeacherNeeds(statistics))
  }

  /// All that is needed must be among what the network's description names.
  public init(_ network: ExportedNetwork, needs: TeacherNeeds) {
    self.network = network
    self.needs = needs
    request = needs.statistics.request
  }

  public func activations(of input: Tensor) throws -> Activations? { try network.activations(of: input, request) }

  public func output(for batch: Batch) throws -> TeacherOutput {
    try TeacherOutput(network.activations(of: batch.teacher, request), needs, of: batch)
  }
}
