/// From a configuration back to YAML, complete: what a run's folder keeps, and what a run is resumed from.

import Foundation
import Kindred
import Torch

extension Configuration {
  /// Every setting with its value, in the order of this file. It loads to an equal configuration.
  ///
  /// Settings without a value (`data.folder`, `student.weights`, `training.plan_seed`, `training.plan_epochs`) are left
  /// out. A weight that was
  /// found by calibration is written as the number, with its calibration beside it. Paths that were written relative to
  /// their file are written relative to `folder`, where the text is to lie; all are absolute without one.
  public func yaml(in folder: URL? = nil) -> String {
    var writer = YAMLWriter(folder: folder)
    writer.line("name", YAMLWriter.quoted(name))
    writer.section("data") { data.write(to: &$0) }
    writer.section("student") {
      $0.line("network", student.network.name)
      $0.path("weights", student.weights)
      if student.weights != nil { $0.line("classifier", student.classifier.rawValue) }
    }
    if let teacher { writer.section("teacher") { teacher.write(to: &$0) } }
    writer.section("losses") { losses.write(to: &$0) }
    writer.section("training") { training.write(to: &$0) }
    if !content.isEmpty { writer.section("content") { content.write(to: &$0) } }
    return writer.text
  }
}

extension Configuration.Content {
  fileprivate func write(to writer: inout YAMLWriter) {
    for input in Configuration.Input.allCases {
      if let hash = self[input] { writer.line(input.rawValue, YAMLWriter.quoted(hash)) }
    }
  }
}

extension Configuration.Images {
  fileprivate func write(to writer: inout YAMLWriter) {
    writer.line("set", set.rawValue)
    writer.write(self, Self.settings)
  }
}

extension Configuration.Teacher {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch source {
    case .weights(let network, let file):
      writer.line("network", network.name)
      writer.path("weights", file)
    case .configuration(let network, let file):
      writer.line("network", network.name)
      writer.path("config", file)
    case .recording(let folder): writer.path("recording", folder)
    case .exported(let exported):
      writer.path("exported", exported.file)
      writer.section("outputs") { writer in
        for (name, place) in exported.outputs.sorted(by: { $0.key < $1.key }) {
          writer.line(YAMLWriter.quoted(name), place.yaml)
        }
      }
    }
    writer.line("precision", precision.rawValue)
    guard precision == .int8 || quantization != Configuration.Quantization() else { return }
    writer.section("int8") {
      $0.write(quantization, Configuration.Quantization.settings)
    }
  }
}

extension Configuration.Exported.Place {
  fileprivate var yaml: String {
    switch self {
    case .index(let index): "\(index)"
    case .key(let key): YAMLWriter.quoted(key)
    }
  }
}

extension Configuration.Losses {
  fileprivate func write(to writer: inout YAMLWriter) {
    writer.line(Objective.crossEntropyID, crossEntropy)
    for term in terms { writer.section(term.id) { term.write(to: &$0) } }
  }
}

extension Configuration.Term {
  fileprivate func write(to writer: inout YAMLWriter) {
    if id != method.name { writer.line("method", method.name) }
    if method.ownWeight == nil { weight.write(to: &writer) }
    writer.write(method)
  }
}

extension Configuration.Weight {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch self {
    case .fixed(let value):
      writer.line("weight", value)
    case .automatic(let calibration, let found):
      let note = "  # auto, fraction \(calibration.fraction)"
      writer.line("weight", found.map { "\($0)\(note)" } ?? "auto")
      writer.line("fraction", calibration.fraction)
      writer.line("calibration_batches", calibration.batches)
    }
  }
}

extension Recipe {
  fileprivate func write(to writer: inout YAMLWriter) {
    writer.write(self, Recipe.settings)
    writer.section("optimizer") { optimizer.write(to: &$0) }
    writer.section("schedule") { schedule.write(to: &$0) }
    writer.write(self, Recipe.furtherSettings)
  }
}

extension OptimizerOptions {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch self {
    case .sgd(let options):
      writer.line("name", Name.sgd.rawValue)
      writer.write(options, SGD.Options.settings)
    case .adamW(let options):
      writer.line("name", Name.adamW.rawValue)
      writer.write(options, AdamW.Options.settings)
    }
  }
}

extension LearningRateSchedule {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch shape {
    case .step(let milestones, let factor):
      writer.line("name", Name.step.rawValue)
      writer.line("milestones", milestones)
      writer.line("factor", factor)
    case .cosine(let minimum):
      writer.line("name", Name.cosine.rawValue)
      writer.line("minimum", minimum)
    case .constant:
      writer.line("name", Name.constant.rawValue)
    }
    writer.line("warm_up_epochs", warmUpEpochs)
  }
}

/// Lines of YAML, indented by section. Swift prints a number with as many digits as bring it back exactly.
struct YAMLWriter {
  /// Where the text is to lie, for relative paths.
  let folder: URL?
  private(set) var text = ""
  private var indentation = ""

  init(folder: URL?) { self.folder = folder }

  mutating func line(_ key: String, _ value: some CustomStringConvertible) {
    text += "\(indentation)\(key): \(value)\n"
  }

  /// Declared settings, in their order.
  mutating func write<Root>(_ root: Root, _ settings: [Setting<Root>]) {
    for setting in settings { write(setting.key, setting.kind, setting.get(root)) }
  }

  mutating func write(_ method: some Method) { write(method, type(of: method).settings) }

  private mutating func write(_ key: String, _ kind: SettingKind, _ value: SettingValue?) {
    switch value {
    case nil: if case .countOrAll = kind { line(key, "all") }
    case .number(let number): line(key, number)
    case .wholeNumber(let number): line(key, number)
    case .seed(let seed): line(key, seed)
    case .flag(let flag): line(key, flag)
    case .word(let word): line(key, word)
    case .file(let url, let isRelative): path(key, ConfiguredFile(url, isRelative: isRelative))
    case .layers(let pairs): line(key, "[\(pairs.map(YAMLWriter.text).joined(separator: ", "))]")
    }
  }

  private static func text(_ pair: LayerPair) -> String {
    let (student, teacher) = (quoted(pair.student), quoted(pair.teacher))
    return pair.student == pair.teacher ? student : "{student: \(student), teacher: \(teacher)}"
  }

  mutating func path(_ key: String, _ file: ConfiguredFile?) {
    if let file { line(key, YAMLWriter.quoted(file.path(in: folder))) }
  }

  mutating func section(_ key: String, _ body: (inout YAMLWriter) -> Void) {
    text += "\(indentation)\(key):\n"
    indentation += "  "
    body(&self)
    indentation.removeLast(2)
  }

  /// A text as it is when nothing in it means anything to YAML, else in double quotes, escaped as in JSON.
  static func quoted(_ text: String) -> String {
    let isPlain = text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.+\/-]*/) != nil
    if isPlain, text.lowercased() != "null" { return text }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A string always encodes: Swift's strings are valid Unicode.
    return String(decoding: (try? encoder.encode(text)) ?? Data(), as: UTF8.self)
  }
}
