// A graph made ready to run: which operations, in which order, on which memory.

import Torch

/// The part of a graph that some of its values come of, as instructions.
///
/// Memory is decided here and by no layer: a ReLU or a sum writes over what it reads where nobody else does and going
/// backwards does not need it, and what is not read any more is let go.
final class Program {
  /// One step. Values are places in a list.
  private struct Instruction {
    let kernel: Kernel
    let inputs: [Int?]
    let outputs: [Int]
    /// What nobody reads after it.
    let unread: [Int]
  }

  private let instructions: [Instruction]
  private let outputs: [Int]
  private let input: Int
  /// The network's own tensors at their places, the rest empty.
  private var constants: [Tensor?]
  private var device = Device.cpu

  /// - Parameters:
  ///   - graph: the whole network.
  ///   - outputs: the values that are wanted.
  ///   - frozen: how the layers of a network that no longer changes are run; nil to run each operation by itself, and
  ///     differentiably.
  /// - Throws: `UnknownOperation`.
  init(_ graph: Graph, outputs: [String], frozen: FrozenLayers? = nil) throws {
    let steps = try frozen?.steps(of: graph, for: outputs) ?? graph.plainSteps(for: outputs)
    var places: [String: Int] = [:]
    func place(_ value: String) -> Int {
      if let place = places[value] { return place }
      places[value] = places.count
      return places.count - 1
    }
    let lastReader = Dictionary(
      steps.enumerated().flatMap { index, step in step.inputs.map { ($0, index) } }
    ) { max($0, $1) }
    let kept = Set(outputs + graph.tensors.keys)
    instructions = steps.enumerated().map { index, step in
      let read = Set(step.inputs + step.outputs).filter {
        !$0.isEmpty && lastReader[$0, default: index] == index && !kept.contains($0)
      }
      return Instruction(
        kernel: step.kernel, inputs: step.inputs.map { $0.isEmpty ? nil : place($0) },
        outputs: step.outputs.map { place($0) }, unread: read.map { place($0) })
    }
    input = place(graph.input)
    self.outputs = outputs.map { place($0) }
    var constants = [Tensor?](repeating: nil, count: places.count)
    for (name, tensor) in graph.tensors { if let place = places[name] { constants[place] = tensor } }
    self.constants = constants
  }

  /// The wanted values of a batch, in their order.
  /// - Throws: `UnknownOperation` for shapes that some operation cannot take.
  func run(_ batch: Tensor, isTraining: Bool) throws -> [Tensor] {
    if batch.device != device { moveConstants(to: batch.device) }
    var values = constants
    values[input] = batch
    let mode = RunMode(isTraining: isTraining)
    for instruction in instructions {
      let made = try instruction.kernel(instruction.inputs.map { $0.flatMap { values[$0] } }, mode)
      for (place, value) in zip(instruction.outputs, made) { values[place] = value }
      for place in instruction.unread { values[place] = nil }
    }
    return outputs.map { place in
      guard let value = values[place] else { preconditionFailure("a wanted value was not made") }
      return value
    }
  }

  /// A network's entries go to a device with it; what a file has beside them follows. Whole numbers are shapes, and stay.
  private func moveConstants(to device: Device) {
    self.device = device
    for (place, tensor) in constants.enumerated() {
      guard let tensor, tensor.isFloatingPoint, tensor.device != device else { continue }
      constants[place] = tensor.to(device: device)
    }
  }
}

/// A kernel with the names of what it reads and makes.
struct ProgramStep {
  let kernel: Kernel
  let inputs: [String]
  let outputs: [String]
}

extension Graph {
  /// The nodes that some values come of, in order.
  func nodes(for outputs: [String]) -> [Node] {
    var wanted = Set(outputs)
    return nodes.reversed().filter { node in
      guard node.outputs.contains(where: wanted.contains) else { return false }
      wanted.formUnion(node.inputs)
      return true
    }.reversed()
  }

  /// Each node by itself, differentiable; sums and ReLUs in place where they may be.
  func plainSteps(for outputs: [String]) throws -> [ProgramStep] {
    let nodes = nodes(for: outputs)
    let readers = Readers(nodes, outputs: outputs)
    return try nodes.map { try plainStep(for: $0, readers) }
  }

  /// One node by itself.
  func plainStep(for node: Node, _ readers: Readers) throws -> ProgramStep {
    let kernel = try inPlaceKernel(of: node, readers) ?? operation(of: node).kernel(node, self)
    return ProgramStep(kernel: kernel, inputs: node.inputs, outputs: node.outputs)
  }

  func operation(of node: Node) throws -> Operator {
    guard let operation = Operator.known[node.operation] else {
      throw UnknownOperation(
        node, "is not one that Kindred knows; there are \(Operator.known.keys.sorted().joined(separator: ", "))")
    }
    return operation
  }

  /// The kernel of a ReLU or sum that writes over what it reads, where that may be.
  private func inPlaceKernel(of node: Node, _ readers: Readers) -> Kernel? {
    switch node.operation {
    case "Relu" where isOverwritable(node.inputs[0], by: node, readers):
      return { inputs, _ in
        inputs.at(0).reluInPlace()
        return [inputs.at(0)]
      }
    case "Add":
      guard let into = node.inputs.firstIndex(where: { isOverwritable($0, by: node, readers) }) else { return nil }
      return { inputs, _ in
        inputs.at(into).addInPlace(inputs.at(1 - into))
        return [inputs.at(into)]
      }
    default: return nil
    }
  }

  /// Whether a value is read by this node alone, has the result's shape and may be changed.
  private func isOverwritable(_ value: String, by node: Node, _ readers: Readers) -> Bool {
    guard readers.count(of: value) == 1, let shape = shapes[value], shape == shapes[node.outputs[0]],
      let producer = readers.producers[value], let operation = Operator.known[producer.operation]
    else { return false }
    return operation.forgetsItsOutput
  }
}

/// Who makes and who reads each value of some nodes.
struct Readers {
  let producers: [String: Graph.Node]
  private let readers: [String: [Graph.Node]]
  private let outputs: Set<String>

  init(_ nodes: [Graph.Node], outputs: [String]) {
    var readers: [String: [Graph.Node]] = [:]
    for node in nodes { for value in node.inputs where !value.isEmpty { readers[value, default: []].append(node) } }
    self.readers = readers
    self.outputs = Set(outputs)
    producers = Dictionary(nodes.flatMap { node in node.outputs.map { ($0, node) } }) { first, _ in first }
  }

  /// How often a value is read; who asked for it reads it as well.
  func count(of value: String) -> Int { (readers[value]?.count ?? 0) + (outputs.contains(value) ? 1 : 0) }

  /// All that read a value; nil where it is also asked for.
  func all(of value: String) -> [Graph.Node]? { outputs.contains(value) ? nil : readers[value] ?? [] }

  /// The only one that reads a value.
  func only(of value: String) -> Graph.Node? { count(of: value) == 1 ? readers[value]?.first : nil }
}
