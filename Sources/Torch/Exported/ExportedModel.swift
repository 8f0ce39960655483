// Networks from elsewhere: files that PyTorch exported, read and run without Python.

import CTorch
import Foundation

/// A network in a TorchScript file or an AOTInductor package, which takes one tensor.
///
/// Such a file is a program: loading one lets it do whatever its maker wrote, so it has to come from somebody trusted. A
/// package is compiled for one kind of device and processor, and often for certain batch sizes; it is unpacked into the
/// system's temporary folder, which is cleared when this object goes.
public final class ExportedModel {
  /// How the network was exported.
  public enum Form: Sendable {
    case torchScript
    case package
  }

  /// Where it was loaded from.
  public let file: URL
  /// How it was exported.
  public let form: Form
  private let handle: ct_exported
  private let resultSpecification: OutputSpecification?
  /// What a package was compiled to take; found by the first input that it accepts.
  private var layout: MemoryLayout4D?

  /// Reads a network in evaluation mode.
  /// - Throws: `ExportedModelError`: no such file, a damaged one, one of another kind, or one for another machine.
  public init(_ file: URL, device: Device = .cpu) throws {
    let archive = try ExportedArchive(file)
    let options = ct_options(.float32, device)
    let loaded: ct_exported?
    switch archive.content {
    case .torchScript:
      form = .torchScript
      loaded = ct_torchscript_load(file.path, options)
    case .package(let model):
      form = .package
      try archive.checkMachine(of: model, for: device)
      loaded = ct_package_load(file.path, model, options)
    }
    guard let loaded else { throw ExportedModelError(file, "cannot be loaded: \(lastReason())") }
    handle = loaded
    self.file = file
    resultSpecification = try? OutputSpecification(json: owned(ct_exported_specification(loaded)) ?? "")
  }

  deinit { ct_exported_free(handle) }

  /// What the network returns for an input, without gradients. The input's memory stays the caller's own.
  /// - Throws: `ExportedModelError` for an input that the network does not take.
  public func callAsFunction(_ input: Tensor) throws -> ExportedOutputs {
    // Copies, because a network may work in place on what it is given.
    guard form == .package, input.shape.count == 4 else { return try run(input.clone()) }
    if let layout { return try run(input.copied(to: layout)) }
    for layout in [MemoryLayout4D.contiguous, .channelsLast] {
      do {
        let outputs = try run(input.copied(to: layout))
        self.layout = layout
        return outputs
      } catch let error as ExportedModelError where error.isOfLayout { continue }
    }
    throw ExportedModelError(file, "takes inputs in an order in memory that is neither N x C x H x W nor channels-last")
  }

  private func run(_ input: Tensor) throws -> ExportedOutputs {
    guard let outputs = ct_exported_run(handle, input.handle) else {
      throw ExportedModelError(file, refusal: lastReason())
    }
    defer { ct_outputs_free(outputs) }
    let tensors = (0..<ct_outputs_count(outputs)).map { adopt(ct_outputs_tensor(outputs, $0), "output") }
    if let resultSpecification, resultSpecification.names.count == tensors.count {
      return ExportedOutputs(
        tensors: tensors, names: resultSpecification.names, isDictionary: resultSpecification.isDictionary)
    }
    let names = tensors.indices.map { index in
      ct_outputs_name(outputs, index).map { String(cString: $0) } ?? String(index)
    }
    return ExportedOutputs(tensors: tensors, names: names, isDictionary: ct_outputs_are_dictionary(outputs))
  }
}

extension Tensor {
  /// A copy whose strides are those of the layout, also along axes of length 1, where others would do as well.
  fileprivate func copied(to layout: MemoryLayout4D) -> Tensor {
    guard layout == .contiguous else { return contiguous(layout).clone() }
    let copy = Tensor.empty(shape, dtype: dtype, device: device)
    copy.copyInPlace(self)
    return copy
  }
}

/// What an exported network returned. Tuples, lists and dictionaries within the result are laid flat.
public struct ExportedOutputs {
  /// The tensors, in the order of the result.
  public let tensors: [Tensor]
  /// The indices and keys that lead to each, joined by dots: `1` in a tuple, `logits` in a dictionary.
  public let names: [String]
  /// Whether the result is a dictionary, whose entries have keys, and no tuple.
  public let isDictionary: Bool
}

/// The structure of a package's result, in PyTorch's own notation for nested containers (pytree).
struct OutputSpecification {
  private(set) var names: [String] = []
  let isDictionary: Bool

  private struct Node: Decodable {
    let type: String?
    let context: String?
    let children: [Node]

    enum CodingKeys: String, CodingKey {
      case type, context
      case children = "children_spec"
    }

    /// The keys of a dictionary or the like, in the order of its children.
    var keys: [String]? {
      guard let context, let value = try? JSONSerialization.jsonObject(with: Data(context.utf8)) as? [Any] else {
        return nil
      }
      let lists = [value] + value.compactMap { $0 as? [Any] }
      return lists.compactMap { $0 as? [String] }.first { $0.count == children.count && !$0.isEmpty }
    }
  }

  /// The version of the notation, then the outermost container.
  private struct Document: Decodable {
    let root: Node

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      _ = try list.decode(Int.self)
      root = try list.decode(Node.self)
    }
  }

  init(json: String) throws {
    let root = try JSONDecoder().decode(Document.self, from: Data(json.utf8)).root
    isDictionary = root.keys != nil
    append(root, path: [])
  }

  private mutating func append(_ node: Node, path: [String]) {
    guard node.type != nil else { return names.append(path.isEmpty ? "0" : path.joined(separator: ".")) }
    let keys = node.keys ?? node.children.indices.map(String.init)
    for (key, child) in zip(keys, node.children) { append(child, path: path + [key]) }
  }
}

/// An exported network that cannot be read, or an input that it refuses: one line.
public struct ExportedModelError: Error, CustomStringConvertible, Sendable {
  /// The path of the network's file.
  public let file: String
  /// What is wrong, and what to do where that is known.
  public let problem: String
  /// Whether the network wants its input in another order in memory.
  let isOfLayout: Bool

  init(_ file: URL, _ problem: String) {
    self.file = file.path
    self.problem = problem
    isOfLayout = false
  }

  /// - Parameter reason: libtorch's or the package's own words for an input that was refused.
  init(_ file: URL, refusal reason: String) {
    self.file = file.path
    isOfLayout = reason.contains("unmatched stride value")
    problem = sizeProblem(reason) ?? "does not take the input: \(reason)"
  }

  public var description: String { "\(file): \(problem)" }
}

/// What a package says of an input's sizes, in the words of somebody who has a batch at hand.
private func sizeProblem(_ reason: String) -> String? {
  let pattern = /(unmatched dim value|dim value is too \w+) at (\d+), \D*(\d+), but got: (\d+)/
  guard let match = reason.firstMatch(of: pattern) else { return nil }
  let (_, kind, axis, wanted, given) = match.output
  let amount =
    switch kind {
    case "dim value is too small": "at least \(wanted)"
    case "dim value is too large": "at most \(wanted)"
    default: "exactly \(wanted)"
    }
  guard axis == "0" else { return "takes inputs of \(amount) along axis \(axis), not \(given)" }
  return "takes batches of \(amount) inputs, not \(given); use \(amount), or export it for \(given)"
}

/// The calling thread's last reason in one line.
func lastReason() -> String { reason(in: String(cString: ct_last_error())) }

/// libtorch's, a package's or a program's own words in one line.
func reason(in text: String) -> String {
  if let words = programsWords(in: text) { return words }
  let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  let marks = ["RuntimeError: ", "Error: "]
  let marked = lines.last { line in marks.contains { line.hasPrefix($0) } } ?? lines.first ?? "no reason is given"
  return marks.first { marked.hasPrefix($0) }.map { String(marked.dropFirst($0.count)) } ?? marked
}

/// What a TorchScript program said when it failed, nil for another text: a trace of the program comes before it, then the
/// error's class as Python calls it. Only the first paragraph counts; some operations list every device after it.
private func programsWords(in text: String) -> String? {
  guard text.hasPrefix("The following operation failed in the TorchScript interpreter") else { return nil }
  let isClass = #/\n(?:[A-Za-z_][A-Za-z_0-9]*\.)*(?<name>[A-Za-z_][A-Za-z_0-9]*): /#
  let rest = text.range(of: "<--- HERE", options: .backwards).map { text[$0.upperBound...] } ?? text[...]
  guard let error = rest.firstMatch(of: isClass) else { return nil }
  // To the interpreter an assertion is a RuntimeError whose words begin so, and are often all.
  let words = rest[error.range.upperBound...].replacing(/^AssertionError: (?=.)/, with: "")
  let paragraph = words.components(separatedBy: "\n\n")[0].split(separator: "\n")
  let line = paragraph.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  guard !line.isEmpty else { return String(error.output.name) }
  guard line != "AssertionError:" else { return "an assertion without words failed" }
  return line.count > 300 ? line.prefix(300) + "..." : line
}

/// Takes over a text of the C interface.
func owned(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
  guard let pointer else { return nil }
  defer { free(pointer) }
  return String(cString: pointer)
}
