// `kindred loss`: one method's loss and gradients for given tensors, to check another program against.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport
import Torch

struct LossCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loss", abstract: "Compute one method's loss (unweighted) and its gradients from files.",
    discussion: """
      Both files hold what the method compares, the first axis being the batch: 'logits', 'pooled', 'activation' (further \
      layer pairs 'activation.1', 'activation.2', ..., from input to output). The student's also holds 'labels' and \
      'indices' (int64), the teacher's 'classifier.weight' and 'classifier.bias', where the method needs them. The gradient \
      file gets the gradients for the student's entries under their names. Computed in double precision; warm-up and \
      cross-entropy are no part of the value. '\(ShellCommand.program) loss --list' names every method, '\(ShellCommand.program) loss METHOD --list' tells of one, with its formula.
      """)

  @Argument(help: "The method, such as sp; see --list.", completion: .methods)
  var method: String?

  @Flag(
    help: """
      List every method, or the one that is named: paper, what it compares, what it trains, what a recording keeps, default \
      weight, and of one its formula and the code it agrees with.
      """)
  var list = false

  @Option(help: "The student's safetensors file.", completion: .tensors)
  var student: String?

  @Option(help: "The teacher's safetensors file.", completion: .tensors)
  var teacher: String?

  @Option(
    help: "What the method trains or keeps, by its state names. (default: drawn from --seed)", completion: .tensors)
  var module: String?

  @Option(help: "The seed of what the method draws.")
  var seed: UInt64 = 1

  @Option(name: .customLong("set"), help: "Override a setting of the method, such as temperature=2. Can be repeated.")
  var overrides: [String] = []

  @Option(help: "Where to write the gradients.", completion: .tensors)
  var gradient: String?

  @Option(help: "Where to write what the method trains or keeps, as it was for this value.", completion: .tensors)
  var saveModule: String?

  // The way of earlier versions to say --set temperature=.
  @Option(help: .hidden)
  var temperature: Double?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if list { return }
    guard method != nil else {
      throw ValidationError("Name a method, such as sp; '\(ShellCommand.program) loss --list' names them all.")
    }
    guard student != nil, teacher != nil else { throw ValidationError("Give --student and --teacher, a file each.") }
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature must be above 0.")
    }
  }

  func run() throws {
    if list { return try showList() }
    guard let method, let student, let teacher else { return }
    let settings = overrides + (temperature.map { ["temperature=\($0)"] } ?? [])
    let chosen = try MethodByName(method, settings: settings)
    let own = try entries(of: student)
    let comparison: MethodComparison
    do {
      comparison = try MethodComparison(
        chosen.method, student: own.wide, teacher: try entries(of: teacher).wide,
        state: try module.map { try TensorFile(file($0)).tensors() }, seed: seed, keepsLayers: chosen.hasLayers)
    } catch let error as MethodError {
      throw RunError("\(method): \(error)")
    } catch let error as StateError {
      throw RunError("\(module ?? method): \(error)")
    }
    try save(comparison)
    let (loss, gradients) = try withTorchErrors { comparison.value() }
    if let gradient { try write(gradients, like: own, to: gradient) }
    output(
      json
        ? try KindredCLI.json(Report(method: method, loss: loss.item), .loss)
        : String(format: "%.15g", loss.item.printed))
  }

  private func showList() throws {
    guard let method else {
      return output(
        json ? try KindredCLI.json(["methods": MethodRow.all], .methods) : MethodRow.table, terminator: json ? "\n" : ""
      )
    }
    let row = MethodRow(type(of: try MethodByName(method, settings: []).method))
    output(json ? try KindredCLI.json(["methods": [row]], .methods) : row.text, terminator: json ? "\n" : "")
  }

  private struct Report: Encodable {
    let method: String
    let loss: Double
  }

  private func entries(of path: String) throws -> [String: Tensor] {
    let tensors = try TensorFile(file(path)).tensors()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard !tensor.shape.isEmpty, tensor.count > 0 else {
        throw RunError("\(path): '\(name)' has shape \(tensor.shape), expected a batch")
      }
    }
    return tensors
  }

  private func save(_ comparison: MethodComparison) throws {
    guard let saveModule else { return }
    guard let state = comparison.loss.module?.state else {
      throw RunError("\(method ?? "") trains and keeps nothing; take --save-module out")
    }
    try Safetensors.write(
      Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.detached()) }), to: file(saveModule))
  }

  private func write(_ gradients: [String: Tensor], like own: [String: Tensor], to path: String) throws {
    guard !gradients.isEmpty else { throw RunError("the loss has no gradient") }
    var narrowed: [String: Tensor] = [:]
    for (name, gradient) in gradients { narrowed[name] = gradient.to(own[name]?.dtype) }
    try Safetensors.write(narrowed, to: file(path))
  }
}

extension [String: Tensor] {
  /// In double precision, so that a port is checked against the formula and not against our rounding.
  fileprivate var wide: [String: Tensor] { mapValues { $0.isFloatingPoint ? $0.to(.float64) : $0 } }
}

/// What the list says of a method.
private struct MethodRow: Encodable {
  let name: String
  let paper: String
  let formula: String
  let agreesWith: String?
  let compares: String
  let trains: String?
  let records: String
  let weight: String
  let publishedWeight: String?
  let settings: [Setting]

  struct Setting: Encodable {
    let key: String
    let help: String
    /// What it is where it is not set, of layers.
    let usual: String?

    /// The key, and the usual layers.
    var title: String { usual.map { "\(key) (\($0))" } ?? key }
  }

  static let all: [MethodRow] = Methods.all.map { MethodRow($0) }

  init(_ type: any Method.Type) {
    let card = type.card
    (formula, agreesWith) = (card.formula, card.agreesWith)
    (name, paper, compares, trains, records) = (card.name, card.paper, card.compares, card.trains, card.records)
    weight = card.weightText
    publishedWeight = card.publishedWeight
    settings = MethodRow.settings(type)
  }

  private static func settings<M: Method>(_ type: M.Type) -> [Setting] {
    M.settings.map { Setting(key: $0.key, help: $0.help, usual: $0.key == "layers" ? M.usualLayersText : nil) }
  }

  /// All of it, for one method.
  var text: String {
    var table = TextTable([.text(""), .text("")])
    let facts = [
      ("paper", paper), ("compares", compares), ("trains", trains ?? "-"), ("a recording keeps", records),
      ("weight", weight), ("published", publishedWeight ?? "-"), ("agrees with", agreesWith ?? "-"),
    ]
    for (title, text) in facts + settings.map({ ("--set \($0.key)=", $0.help) }) { table.append([title, text]) }
    return "\(formula)\n\n\(table.text)"
  }

  static var table: String {
    var table = TextTable(
      ["method", "paper", "compares", "trains", "a recording keeps", "weight", "settings"].map { .text($0) })
    for row in all {
      let keys = row.settings.map(\.title).joined(separator: ", ")
      table.append([row.name, row.paper, row.compares, row.trains ?? "-", row.records, row.weight, keys])
    }
    return table.text
  }
}
