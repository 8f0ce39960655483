// What `kindred inspect` shows of an ONNX file.

import Foundation
import Graph
import KindredReport

/// A network that came as an ONNX file: what it takes and gives, and which values can be compared.
struct ONNXView {
  private let file: ONNXFile

  init(_ file: ONNXFile) { self.file = file }

  var facts: String {
    let graph = file.graph
    var table = TextTable([.text(file.url.lastPathComponent), .text("")])
    table.append(["written by", file.producer.isEmpty ? Format.missing : oneLine(file.producer)])
    table.append(["opset", "\(file.opset)"])
    table.append(["input", oneLine("\(graph.input): \(file.declaredInput.joined(separator: " x "))")])
    table.append(["logits", oneLine("\(graph.logits ?? ""): \(shape(graph.logits))")])
    table.append(["operations", operations])
    table.append(["parameters", Format.count(graph.parameterCount)])
    table.append(["multiply-adds", Format.count(graph.multiplyAdds)])
    for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
      table.append([oneLine(key), oneLine(String(value.prefix(60)))])
    }
    return table.text
  }

  /// The taps, that of the usual relation losses marked.
  var taps: String {
    var table = TextTable([.text("tap"), .text("shape"), .text("value"), .text("")])
    for tap in file.graph.taps {
      let mark = tap.name == "last" ? "what the global mean is taken of" : ""
      table.append([tap.name, shape(tap.value), oneLine(tap.value), mark])
    }
    return table.text
  }

  var remarks: [String] { file.remarks.map { oneLine($0) } }

  private var operations: String {
    let counts = Dictionary(grouping: file.graph.nodes, by: \.operation).mapValues(\.count)
    return counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  private func shape(_ value: String?) -> String {
    value.flatMap { file.graph.shapes[$0] }.map { $0.map(String.init).joined(separator: " x ") } ?? Format.missing
  }
}
