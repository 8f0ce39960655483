// What an ONNX file says, checked, and brought to what a graph holds.

import Torch

/// The nodes and tensors of a file on their way to a graph.
struct ONNXGraphReading {
  /// No network that people use has as many; a file that does is meant to keep one waiting.
  private static let mostNodes = 50_000

  let opset: Int
  /// Lengths of the input's axes, or their names.
  let declaredInput: [String]
  private(set) var remarks: [String] = []
  private let input: String
  private var outputs: [String]
  /// What the file calls its logits.
  private let outputName: String
  private var nodes: [Graph.Node]
  private var tensors: [String: Tensor]
  /// Those that are initialisers of the file: only they can be trained.
  private var initializers: Set<String>

  /// - Throws: `ONNXProblem`.
  init(_ model: ONNXModel, tensors reader: ONNXTensorReader) throws {
    let graph = model.graph
    guard graph.node.count <= Self.mostNodes else { throw ONNXProblem("has \(graph.node.count) operations: too many") }
    guard model.functions.isEmpty else {
      throw ONNXProblem("defines operations of its own (\(model.functions[0].name)); export with them inlined")
    }
    guard graph.sparseInitializer.isEmpty else { throw ONNXProblem("holds sparse weights, which are not known here") }
    opset = Int(model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 0)
    guard (11...22).contains(opset) else { throw ONNXProblem("is of opset \(opset); from 11 to 22 are known") }
    var tensors: [String: Tensor] = [:]
    for initializer in graph.initializer {
      guard tensors[initializer.name] == nil, !initializer.name.isEmpty else {
        throw ONNXProblem("has two tensors of the name '\(initializer.name)'")
      }
      tensors[initializer.name] = try reader.tensor(initializer)
    }
    let inputs = graph.input.filter { tensors[$0.name] == nil }
    guard inputs.count == 1, let first = inputs.first else {
      let names = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
      throw ONNXProblem("takes \(inputs.count) inputs (\(names)); a network of one, the images, is wanted")
    }
    guard !graph.output.isEmpty else { throw ONNXProblem("gives nothing") }
    initializers = Set(tensors.keys)
    input = first.name
    declaredInput = first.type.tensorType.shape.dim.map { $0.hasDimValue ? "\($0.dimValue)" : $0.dimParam }
    outputs = graph.output.map(\.name)
    outputName = graph.output[0].name
    self.tensors = tensors
    nodes = []
    try read(graph.node, reader)
    try castEnds(input: first, logits: graph.output[0])
    try checkOrder()
    try checkOperations(graph.node)
  }

  /// The input's shape without the batch's axis, as the file says it.
  /// - Parameter openSize: in the place of lengths that it leaves open; nil for none.
  /// - Throws: `ONNXProblem` where the size stays open.
  func declaredShape(openSize: Int?) throws -> [Int] {
    let lengths = declaredInput.dropFirst().enumerated().map { axis, length in
      Int(length) ?? (axis > 0 ? openSize : nil)
    }
    guard !lengths.isEmpty, !lengths.contains(nil) else {
      throw ONNXProblem("leaves the size of its input open (\(declaredInput.joined(separator: " x "))); name one")
    }
    return lengths.compactMap { $0 }
  }
}

// MARK: - Reading

extension ONNXGraphReading {
  private mutating func read(_ protos: [ONNXNode], _ reader: ONNXTensorReader) throws {
    var names = Set(tensors.keys).union([input])
    var nodeNames: Set<String> = []
    for (index, proto) in protos.enumerated() {
      for output in proto.output where !output.isEmpty {
        guard names.insert(output).inserted else { throw ONNXProblem("makes the value '\(output)' twice") }
      }
      if proto.opType == "Constant", let output = proto.output.first {
        tensors[output] = try constant(proto, reader)
        continue
      }
      var name = proto.name.isEmpty ? proto.output.first ?? "node" : proto.name
      if !nodeNames.insert(name).inserted { name += "_\(index)" }
      nodeNames.insert(name)
      var node = Graph.Node(
        name: name, operation: proto.opType, inputs: proto.input, outputs: proto.output,
        attributes: try Dictionary(proto.attribute.compactMap { try attribute($0, of: proto, reader) }) { $1 })
      moveAttributes(of: &node)
      nodes.append(node)
    }
  }

  /// A network that takes or gives float16 is read as one of float32 that casts.
  private mutating func castEnds(input first: ONNXValueInfo, logits: ONNXValueInfo) throws {
    let half = ONNXElement.float16.rawValue
    if first.type.tensorType.elemType == half {
      let cast = try cast(input, to: .float16)
      for index in nodes.indices {
        nodes[index].inputs = nodes[index].inputs.map { $0 == input ? cast.outputs[0] : $0 }
      }
      nodes.insert(cast, at: 0)
    }
    if logits.type.tensorType.elemType == half {
      let cast = try cast(outputs[0], to: .float)
      nodes.append(cast)
      outputs[0] = cast.outputs[0]
    }
  }

  private func cast(_ value: String, to element: ONNXElement) throws -> Graph.Node {
    let cast = Graph.Node(casting: value, to: element)
    let isTaken = tensors[cast.outputs[0]] != nil || cast.outputs[0] == input
    guard !isTaken, !nodes.contains(where: { $0.name == cast.name || $0.outputs.contains(cast.outputs[0]) }) else {
      throw ONNXProblem(
        "has a value '\(cast.outputs[0])', which is what '\(value)' is to be called in \(element.dtype)")
    }
    return cast
  }

  /// What was an attribute in an earlier opset and is an input in the one that is written.
  private mutating func moveAttributes(of node: inout Graph.Node) {
    let moved = [
      "Squeeze": "axes", "Unsqueeze": "axes", "ReduceMean": "axes", "ReduceSum": "axes", "ReduceMax": "axes",
      "Split": "split",
    ]
    if let name = moved[node.operation], node.inputs.count == 1, let numbers = node.ints(name) {
      let constant = "\(node.name).\(name)"
      guard tensors[constant] == nil else { return }
      tensors[constant] = .shape(numbers)
      node.inputs.append(constant)
      node.attributes[name] = nil
    }
    if node.operation == "Split", node.inputs.count == 1 { node.attributes["num_outputs"] = .int(node.outputs.count) }
  }

  private func constant(_ proto: ONNXNode, _ reader: ONNXTensorReader) throws -> Tensor {
    guard let value = proto.attribute.first else { throw ONNXProblem("has a constant without a value") }
    switch value.name {
    case "value": return try reader.tensor(value.t)
    case "value_float": return Tensor(Double(value.f))
    case "value_int": return Tensor([value.i], shape: [])
    case "value_floats": return Tensor(value.floats, shape: [value.floats.count])
    case "value_ints": return Tensor(value.ints, shape: [value.ints.count])
    default: throw ONNXProblem("has a constant given as \(value.name), which is not known here")
    }
  }

  private func attribute(
    _ proto: ONNXAttributeValue, of node: ONNXNode, _ reader: ONNXTensorReader
  ) throws -> (String, Attribute)? {
    switch proto.type {
    case .float: (proto.name, .number(Double(proto.f)))
    case .int: (proto.name, .int(Int(proto.i)))
    case .string: (proto.name, .text(String(decoding: proto.s, as: UTF8.self)))
    case .floats: (proto.name, .numbers(proto.floats.map(Double.init)))
    case .ints: (proto.name, .ints(proto.ints.map(Int.init)))
    case .tensor: (proto.name, try tensorAttribute(proto, of: node, reader))
    default:
      throw ONNXProblem("\(node.opType) '\(node.name)' has an attribute '\(proto.name)' of a kind that is not known")
    }
  }

  private func tensorAttribute(
    _ proto: ONNXAttributeValue, of node: ONNXNode, _ reader: ONNXTensorReader
  ) throws -> Attribute {
    let tensor = try reader.tensor(proto.t)
    guard tensor.count <= 1 << 16 else { throw ONNXProblem("\(node.opType) '\(node.name)' has too large an attribute") }
    return .tensor(values: tensor.elements(as: Double.self), shape: tensor.shape, dtype: tensor.dtype)
  }

  /// Each operation comes after those whose values it reads: no cycles, and nothing that nobody makes.
  private func checkOrder() throws {
    var known = Set(tensors.keys).union([input])
    for node in nodes {
      if let missing = node.inputs.first(where: { !$0.isEmpty && !known.contains($0) }) {
        throw ONNXProblem("\(node.operation) '\(node.name)' reads '\(missing)', which nothing before it makes")
      }
      known.formUnion(node.outputs)
    }
    if let missing = outputs.first(where: { !known.contains($0) }) {
      throw ONNXProblem("gives '\(missing)', which nothing makes")
    }
  }

  private func checkOperations(_ protos: [ONNXNode]) throws {
    let foreign = Set(protos.filter { !["", "ai.onnx"].contains($0.domain) }.flatMap(\.output))
    for node in nodes {
      let needed = (0..<Operator.fewestInputs(node.operation)).map { node.inputs.at($0) }
      guard !needed.contains(""), node.outputs.first?.isEmpty == false else {
        throw ONNXProblem("\(node.operation) '\(node.name)' lacks inputs, or gives nothing")
      }
    }
    let unknown = nodes.filter { Operator.known[$0.operation] == nil || foreign.contains($0.outputs[0]) }
    guard let first = unknown.first else { return }
    let others = Set(unknown.map(\.operation)).subtracting([first.operation]).sorted()
    throw ONNXProblem(
      "\(first.operation) '\(first.name)' (opset \(opset)) is an operation that is not known here"
        + (others.isEmpty ? "" : "; nor are \(others.joined(separator: ", "))")
        + ". Known are \(Operator.known.keys.sorted().joined(separator: ", "))")
  }
}

// MARK: - Simplifying

extension ONNXGraphReading {
  /// Takes away what has no part in the computation: copies of values, outputs beside the first, and operations on
  /// constants.
  /// - Throws: `ONNXProblem`, `UnknownOperation`.
  mutating func simplify() throws {
    try keepFirstOutputs()
    removeCopies()
    separateSharedVectors()
    try foldConstants()
  }

  /// Batch norms written for training give statistics too, and dropout its mask.
  private mutating func keepFirstOutputs() throws {
    let read = Set(nodes.flatMap(\.inputs) + outputs)
    for index in nodes.indices where ["BatchNormalization", "Dropout", "MaxPool"].contains(nodes[index].operation) {
      let others = nodes[index].outputs.dropFirst()
      if let other = others.first(where: read.contains) {
        throw ONNXProblem(
          "\(nodes[index].operation) '\(nodes[index].name)' gives '\(other)', which others read: not known")
      }
      nodes[index].outputs = Array(nodes[index].outputs.prefix(1))
    }
  }

  /// An `Identity` is another name for what it reads. Of an initialiser it is the mark of one that stands for several.
  private mutating func removeCopies() {
    var originals: [String: String] = [:]
    nodes = nodes.filter { node in
      guard node.operation == "Identity", !outputs.contains(node.outputs[0]) else { return true }
      originals[node.outputs[0]] = originals[node.inputs[0]] ?? node.inputs[0]
      return false
    }
    let shared = Set(originals.values).intersection(initializers).filter { tensors[$0]?.isFloatingPoint == true }
    var copied: [String] = []
    for name in shared.sorted() {
      let copies = originals.filter { $0.value == name }.keys.sorted()
      for copy in copies {
        tensors[copy] = tensors[name]?.clone()
        originals[copy] = nil
      }
      copied += copies
      initializers.formUnion(copies)
    }
    if let first = copied.first {
      remarks.append(
        "\(shared.count) tensors of the file stand for \(shared.count + copied.count) of equal values, such as '\(first)': "
          + "they are taken as tensors of their own, not as tied")
    }
    for index in nodes.indices {
      nodes[index].inputs = nodes[index].inputs.map { originals[$0] ?? $0 }
    }
  }

  /// Exporters make one of vectors of equal values, as a fresh network's batch norms have: trained as they are they would be
  /// tied. Matrices are equal only where the network itself uses one twice.
  private mutating func separateSharedVectors() {
    var (readers, copies): ([String: Int], [String: String]) = ([:], [:])
    for index in nodes.indices {
      for (place, name) in nodes[index].inputs.enumerated() {
        guard let tensor = tensors[name], isTrained(name, tensor) else { continue }
        readers[name, default: 0] += 1
        guard let count = readers[name], count > 1, tensor.shape.count == 1 else { continue }
        let own = "\(name).\(count)"
        guard tensors[own] == nil else { continue }
        tensors[own] = tensor.clone()
        initializers.insert(own)
        nodes[index].inputs[place] = own
        copies[own] = name
      }
    }
    if let first = copies.values.min() {
      let shared = Set(copies.values).count
      remarks.append(
        "\(shared) vectors of the file stand for \(shared + copies.count) of equal values, such as '\(first)': they are taken "
          + "as tensors of their own, not as tied")
    }
    for (name, count) in readers.sorted(by: { $0.key < $1.key }) where count > 1 && tensors[name]?.shape.count != 1 {
      remarks.append("'\(name)' is used \(count) times: it is trained as one tensor")
    }
  }

  /// What is made of constants alone is one. Initialisers count as such only where they are whole numbers, are kept in
  /// fewer bits or have no part in training.
  private mutating func foldConstants() throws {
    var folded: [Graph.Node] = []
    for node in nodes {
      let constants = node.inputs.map { $0.isEmpty ? nil : tensors[$0] }
      let isConstant = zip(node.inputs, constants).allSatisfy { name, tensor in
        name.isEmpty || tensor.map { node.isLinearQuantization || !isTrained(name, $0) } ?? false
      }
      guard isConstant, !outputs.contains(where: node.outputs.contains) else {
        folded.append(node)
        continue
      }
      let made = try run(node, constants)
      for (name, tensor) in zip(node.outputs, made) { tensors[name] = tensor.contiguous() }
      // What a layer works with is its parameter in whatever form it is kept.
      if node.operation == "DequantizeLinear" { initializers.insert(node.outputs[0]) }
    }
    nodes = folded
  }

  /// An initialiser of more than one floating-point number may be trained, and is no constant.
  private func isTrained(_ name: String, _ tensor: Tensor) -> Bool {
    initializers.contains(name) && tensor.isFloatingPoint && tensor.count > 1
  }

  func run(_ node: Graph.Node, _ inputs: [Tensor?]) throws -> [Tensor] {
    guard let operation = Operator.known[node.operation] else { throw UnknownOperation(node, "is not known") }
    let graph = Graph(
      input: input, inputShape: [], logits: nil, taps: [], nodes: [], tensors: tensors, shapes: [:])
    return try withTorchErrors {
      try withoutGradients { try operation.kernel(node, graph)(inputs, .reading) }
    }
  }
}

// MARK: - Shapes

extension ONNXGraphReading {
  /// The graph for inputs of a shape: what values have which shapes, and which whole numbers are the same for every batch,
  /// is found out by running batches of two and three zeros.
  /// - Parameter taps: values that stay, though the logits do not come of them.
  /// - Throws: `ONNXProblem`, `UnknownOperation`; `TorchError` for operations that do not fit together.
  func graph(inputShape: [Int], taps: [Graph.Tap]) throws -> Graph {
    guard inputShape.allSatisfy({ $0 > 0 }), inputShape.reduce(1, { $0 &* min($1, 1 << 20) }) <= 1 << 24 else {
      throw ONNXProblem("takes inputs of \(inputShape), which are too large or empty")
    }
    var graph = Graph(
      input: input, inputShape: inputShape, logits: outputs[0], taps: [], nodes: nodes, tensors: tensors, shapes: [:])
    graph.outputName = outputName
    let (two, three) = try probes(of: graph)
    for (value, shape) in two.shapes {
      guard let other = three.shapes[value], shape.first == 2, other.first == 3, shape.dropFirst() == other.dropFirst()
      else { continue }
      graph.shapes[value] = Array(shape.dropFirst())
    }
    graph.shapes[input] = inputShape
    graph.makeConstant(
      Dictionary(
        uniqueKeysWithValues: two.integers.compactMap { value, numbers in
          three.integers[value].flatMap { Probe.constant(numbers, $0) }.map { (value, $0) }
        }))
    if opset < 13 { try graph.checkSoftmax() }
    guard let logits = graph.shapes[outputs[0]] else {
      throw ONNXProblem(
        "cannot take batches of several images: '\(outputs[0])' does not grow with the batch. \(openBatch)")
    }
    guard logits.count == 1 else {
      throw ONNXProblem(
        "gives '\(outputs[0])' of \(logits) for each image, where logits, one axis of classes, are wanted")
    }
    graph.taps = taps
    graph.removeUnread()
    graph.markParameters(among: initializers)
    return graph
  }
}

extension ONNXGraphReading {
  /// - Throws: `ONNXProblem`, which says so where the file was exported for batches of one size.
  private func probes(of graph: Graph) throws -> (two: Probe, three: Probe) {
    do {
      return (try Probe(graph, batch: 2), try Probe(graph, batch: 3))
    } catch let error as TorchError {
      if Array(graph.inputShape.map(String.init)) != Array(declaredInput.dropFirst()) {
        let (given, own) = (graph.inputShape.map(String.init), declaredInput.dropFirst())
        throw ONNXProblem(
          "takes inputs of \(own.joined(separator: " x ")), and these are \(given.joined(separator: " x ")) (\(error))")
      }
      guard let batch = declaredInput.first.flatMap({ Int($0) }) else { throw error }
      throw ONNXProblem("takes batches of \(batch) alone (\(error)). \(openBatch)")
    }
  }

  private var openBatch: String {
    "Export it with a batch that is left open (dynamic_axes={'\(input)': {0: 'batch'}}, or dynamic_shapes)"
  }
}

extension RunMode {
  /// For what a stranger's file makes of constants, or of a few zeros.
  fileprivate static let reading = RunMode(isTraining: false, largestValue: 1 << 26)
}

/// What a run of zeros tells of a graph.
private struct Probe {
  private(set) var shapes: [String: [Int]] = [:]
  /// Small tensors of whole numbers: shapes and what is computed of them.
  private(set) var integers: [String: Tensor] = [:]

  init(_ graph: Graph, batch: Int) throws {
    try withoutGradients {
      try graph.walk(Tensor.zeros([batch] + graph.inputShape), .reading) { node, made in
        for (name, tensor) in zip(node.outputs, made) {
          shapes[name] = tensor.shape
          if !tensor.isFloatingPoint, tensor.count <= 1024 { integers[name] = tensor }
        }
      }
    }
  }

  /// Numbers that are the same for a batch of two and one of three.
  static func constant(_ two: Tensor, _ three: Tensor) -> Tensor? {
    guard two.shape == three.shape, two.dtype == three.dtype else { return nil }
    return two.bytes() == three.bytes() ? two.contiguous() : nil
  }
}

extension Graph {
  /// Puts constants in place of what makes values.
  mutating func makeConstant(_ constants: [String: Tensor]) {
    nodes.removeAll { node in
      guard node.outputs.count == 1, let constant = constants[node.outputs[0]] else { return false }
      tensors[node.outputs[0]] = constant
      return true
    }
  }

  /// Before opset 13 a softmax was over all axes from one on, the second unless another is named: the same as over the last
  /// one only where that is it.
  /// - Throws: `UnknownOperation`.
  func checkSoftmax() throws {
    for node in nodes where node.operation == "Softmax" {
      guard let rank = shapes[node.inputs[0]].map({ $0.count + 1 }), [rank - 1, -1].contains(node.int("axis", 1)) else {
        throw UnknownOperation(node, "is over several axes, as before opset 13; export with a later opset")
      }
    }
  }

  /// Initialisers that feed operations as floating-point tensors can be trained, all but batch norms' statistics, scales of
  /// whole numbers and what normalises the images.
  mutating func markParameters(among initializers: Set<String>) {
    let statistics = nodes.flatMap { node in
      node.isLinearQuantization ? node.inputs[...] : node.operation == "BatchNormalization" ? node.inputs[3...] : []
    }
    let untrained = imageNormalization.union(statistics)
    for (name, tensor) in tensors where initializers.contains(name) && tensor.isFloatingPoint && tensor.count > 1 {
      if tensor.shape.count == 4 { tensor.setData(tensor.contiguous(.channelsLast)) }
      if !untrained.contains(name) { tensor.requiresGradient = true }
    }
  }

  /// The tensors that bring the images to a mean and a deviation, before any layer reads them.
  private var imageNormalization: Set<String> {
    var (images, constants) = (Set([input]), Set<String>())
    for node in nodes where ["Sub", "Add", "Mul", "Div", "Cast"].contains(node.operation) {
      guard node.inputs.contains(where: images.contains) else { continue }
      images.formUnion(node.outputs)
      constants.formUnion(node.inputs.filter { tensors[$0] != nil })
    }
    return constants
  }
}
