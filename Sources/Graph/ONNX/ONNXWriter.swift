// From a graph to an ONNX file that other programs run.

import Foundation
import Torch

/// Writes a graph's parts.
struct ONNXWriter {
  private static let irVersion: Int64 = 8
  /// Accepted by ONNX Runtime from 1.14 on, and by the converters for phones and browsers.
  private static let opset = 18
  /// Operations that came later.
  private static let later = ["Gelu": 20, "GroupNormalization": 21]

  private let graph: Graph
  private let outputs: [ONNXOutput]
  private let metadata: [String: String]
  private let nodes: [Graph.Node]

  init(_ graph: Graph, outputs: [ONNXOutput], metadata: [String: String]) throws {
    self.graph = graph
    self.outputs = outputs
    self.metadata = metadata
    nodes = graph.nodes(for: outputs.map(\.value))
  }

  func model() throws -> ONNXModel {
    var model = ONNXModel()
    model.irVersion = Self.irVersion
    model.producerName = "Kindred"
    var operations = ONNXOperatorSet()
    operations.domain = ""
    operations.version = Int64(nodes.compactMap { Self.later[$0.operation] }.reduce(Self.opset, max))
    model.opsetImport = [operations]
    model.graph = try definition()
    model.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
      var property = ONNXProperty()
      (property.key, property.value) = (key, value)
      return property
    }
    return model
  }

  private func definition() throws -> ONNXGraphDefinition {
    var definition = ONNXGraphDefinition()
    definition.name = "network"
    definition.node = nodes.map { node($0) } + outputs.filter { renamed($0.value) != $0.name }.map { copy($0) }
    let read = Set(nodes.flatMap(\.inputs))
    definition.initializer = try graph.tensors.filter { read.contains($0.key) }.sorted { $0.key < $1.key }.map {
      try initializer(renamed($0.key), $0.value)
    }
    definition.input = [information(renamed(graph.input), graph.inputShape)]
    definition.output = try outputs.map { output in
      guard let shape = graph.shapes[output.value] else { throw ONNXExportError("'\(output.name)' has no shape") }
      return information(output.name, shape)
    }
    return definition
  }

  /// An output is called as it is asked for. Where one value has two such names, the second is a copy; another value that
  /// has the name already gets a different one.
  private func renamed(_ value: String) -> String {
    if let output = outputs.first(where: { $0.value == value }) { return output.name }
    return outputs.contains { $0.name == value } ? "\(value)_within" : value
  }

  private func copy(_ output: ONNXOutput) -> ONNXNode {
    var node = ONNXNode()
    (node.name, node.opType) = ("output_\(output.name)", "Identity")
    (node.input, node.output) = ([renamed(output.value)], [output.name])
    return node
  }

  private func node(_ node: Graph.Node) -> ONNXNode {
    var proto = ONNXNode()
    (proto.name, proto.opType) = (node.name, node.operation)
    (proto.input, proto.output) = (node.inputs.map { renamed($0) }, node.outputs.map { renamed($0) })
    proto.attribute = node.attributes.sorted { $0.key < $1.key }.map { attribute($0.key, $0.value) }
    return proto
  }

  private func attribute(_ name: String, _ value: Attribute) -> ONNXAttributeValue {
    var proto = ONNXAttributeValue()
    proto.name = name
    switch value {
    case .int(let value): (proto.type, proto.i) = (.int, Int64(value))
    case .ints(let values): (proto.type, proto.ints) = (.ints, values.map(Int64.init))
    case .number(let value): (proto.type, proto.f) = (.float, Float(value))
    case .numbers(let values): (proto.type, proto.floats) = (.floats, values.map(Float.init))
    case .text(let text): (proto.type, proto.s) = (.string, Data(text.utf8))
    case .tensor(let values, let shape, let dtype):
      proto.type = .tensor
      proto.t = (try? initializer("", Tensor(values, shape: shape).to(dtype))) ?? ONNXTensorData()
    }
    return proto
  }

  private func initializer(_ name: String, _ tensor: Tensor) throws -> ONNXTensorData {
    guard let element = ONNXElement(tensor.dtype) else {
      throw ONNXExportError("'\(name)' is \(tensor.dtype), which ONNX does not have")
    }
    var proto = ONNXTensorData()
    proto.name = name
    proto.dims = tensor.shape.map(Int64.init)
    proto.dataType = element.rawValue
    proto.rawData = Data(tensor.detached().to(device: .cpu).bytes())
    return proto
  }

  /// A value's type and shape, its batch left open.
  private func information(_ name: String, _ shape: [Int]) -> ONNXValueInfo {
    var batch = ONNXDimension()
    batch.dimParam = "batch"
    var information = ONNXValueInfo()
    information.name = name
    information.type.tensorType.elemType = ONNXElement.float.rawValue
    information.type.tensorType.shape.dim =
      [batch]
      + shape.map { length in
        var dimension = ONNXDimension()
        dimension.dimValue = Int64(length)
        return dimension
      }
    return information
  }
}

extension ONNXElement {
  /// ONNX's name of an element type; nil where it has none.
  init?(_ dtype: DType) {
    let all: [ONNXElement] = [.float, .uint8, .int8, .int32, .int64, .bool, .float16, .double, .bfloat16]
    guard let element = all.first(where: { $0.dtype == dtype }) else { return nil }
    self = element
  }
}
