// Every method of the catalogue against PyTorch: Tests/Golden/methods.py, written from the formulas.

import Foundation
import GoldenFiles
import Kindred
import Testing
import Torch

/// A case of a method's golden file.
struct MethodCase: Sendable, CustomTestStringConvertible {
  /// Settings that differ from the defaults, and the tolerated relative errors.
  struct Facts: Decodable {
    let settings: [String: Value]
    let tolerance: [String: Double]

    enum Value: Decodable {
      case flag(Bool)
      case number(Double)
      case word(String)
      case words([String])

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
          self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
          self = .number(number)
        } else if let word = try? container.decode(String.self) {
          self = .word(word)
        } else {
          self = .words(try container.decode([String].self))
        }
      }

      func value(_ kind: SettingKind) -> SettingValue? {
        switch (self, kind) {
        case (.flag(let flag), .flag): .flag(flag)
        case (.number(let number), .wholeNumber): .wholeNumber(Int(number))
        case (.number(let number), .number): .number(number)
        case (.word(let word), .choice): .word(word)
        case (.words(let names), .layers): .layers(names.map { LayerPair($0) })
        default: nil
        }
      }
    }
  }

  let method: String
  let name: String

  var testDescription: String { "\(method) \(name)" }

  /// All cases of all methods of the catalogue.
  static let all: [MethodCase] = Methods.all.flatMap { method -> [MethodCase] in
    guard let file = try? Golden.file("methods/\(method.card.name)"), let metadata = try? Safetensors.metadata(of: file)
    else { return [] }
    return metadata.keys.sorted().map { MethodCase(method: method.card.name, name: $0) }
  }
}

@Suite struct MethodGoldenTests {
  @Test(arguments: MethodCase.all, Precision.all)
  func valueAndGradients(_ given: MethodCase, precision: Precision) throws {
    let file = try Golden.file("methods/\(given.method)")
    let (tensors, metadata) = try Safetensors.read(file)
    let facts = try JSONDecoder().decode(MethodCase.Facts.self, from: Data(try #require(metadata[given.name]).utf8))
    let entries = tensors.entries(under: given.name, precision)
    let method = try method(given.method, facts.settings)
    let state = entries.of("module")
    let comparison = try MethodComparison(
      method, student: entries.of("student"), teacher: entries.of("teacher"), state: state.isEmpty ? nil : state,
      keepsLayers: facts.settings["layers"] != nil)
    let (loss, gradients) = comparison.value()
    let tolerance = facts.tolerance[precision.suffix] ?? precision.tolerance
    #expect(relativeError(loss, try #require(tensors["\(given.name)/loss.\(precision.suffix)"])) < tolerance)
    for (name, expected) in entries.expected("gradient", precision) {
      #expect(relativeError(try #require(gradients[name], "\(name)"), expected) < tolerance, "\(name)")
    }
    try compare(comparison, loss, entries, precision, tolerance)
  }

  /// What the method trains gets the right gradients, and what it keeps is what it should be afterwards.
  private func compare(
    _ comparison: MethodComparison, _ loss: Tensor, _ entries: GoldenEntries, _ precision: Precision,
    _ tolerance: Double
  ) throws {
    loss.backward()
    let state = Dictionary(uniqueKeysWithValues: comparison.loss.module?.state ?? [])
    let scale = entries.expected("module-gradient", precision).values.map(\.largest).max() ?? 0
    for (name, expected) in entries.expected("module-gradient", precision) {
      let gradient = try #require(state[name]?.gradient, "\(name)")
      // A gradient that is nothing but rounding, as of a bias before a batch norm, is measured by the others.
      let error = (gradient - expected).abs().maximum().item
      #expect(error <= tolerance * max(expected.largest, 1e-2 * scale), "\(name)")
    }
    for (name, expected) in entries.expected("after", precision) {
      #expect(relativeError(try #require(state[name]), expected) < tolerance, "\(name)")
    }
  }

  /// Every method has its golden values.
  @Test func everyMethodIsCompared() throws {
    let others = ["at", "hint"]
    for method in Methods.all where !others.contains(method.card.name) {
      #expect(MethodCase.all.contains { $0.method == method.card.name }, "\(method.card.name)")
    }
  }

  private func method(_ name: String, _ settings: [String: MethodCase.Facts.Value]) throws -> any Method {
    func made<M: Method>(_ type: M.Type) throws -> any Method {
      var method = M()
      for (key, value) in settings {
        let setting = try #require(M.settings.first { $0.key == key }, "\(name) has no setting \(key)")
        setting.set(&method, try #require(value.value(setting.kind), "\(name) \(key)"))
      }
      return method
    }
    let type = try #require(Methods.named(name))
    return try made(type)
  }
}

/// One case's tensors, floating-point ones in a precision.
private struct GoldenEntries {
  let tensors: [String: Tensor]

  func of(_ part: String) -> [String: Tensor] { tensors.below(part) }

  /// What PyTorch computed in a precision.
  func expected(_ part: String, _ precision: Precision) -> [String: Tensor] {
    of(part).reduce(into: [:]) { expected, entry in
      guard entry.key.hasSuffix(".\(precision.suffix)") else { return }
      expected[String(entry.key.dropLast(precision.suffix.count + 1))] = entry.value
    }
  }
}

extension [String: Tensor] {
  /// The entries behind a prefix and a slash, without it.
  fileprivate func below(_ prefix: String) -> [String: Tensor] {
    reduce(into: [:]) { below, entry in
      if entry.key.hasPrefix("\(prefix)/") { below[String(entry.key.dropFirst(prefix.count + 1))] = entry.value }
    }
  }

  fileprivate func entries(under name: String, _ precision: Precision) -> GoldenEntries {
    GoldenEntries(
      tensors: below(name).reduce(into: [:]) { entries, entry in
        let isInput = ["student/", "teacher/", "module/"].contains { entry.key.hasPrefix($0) }
        entries[entry.key] =
          isInput && entry.value.isFloatingPoint ? entry.value.to(precision.dtype) : entry.value
      })
  }
}

extension Tensor {
  fileprivate var largest: Double { abs().maximum().item }
}
