/// From a configuration back to YAML, complete: what a run's folder keeps, and what a run is resumed from.

import Foundation
import Kindred

extension Configuration {
  /// Every setting with its value, in the order of this file. It loads to an equal configuration.
  ///
  /// Settings without a value (such as `data.folder`, `student.weights`, `training.plan_seed` and `training.ema`) are left
  /// out. A weight that was
  /// found by calibration is written as the number, with its calibration beside it. Paths that were written relative to
  /// their file are written relative to `folder`, where the text is to lie; all are absolute without one.
  package func yaml(in folder: URL? = nil) -> String {
    var writer = YAMLWriter(folder: folder)
    writer.line("name", YAMLWriter.quoted(name))
    writer.section("data") { $0.write(data, Images.settings) }
    writer.section("student") {
      switch student.network {
      case .zoo(let network): $0.line("network", network.name)
      case .onnx(let source): source.write(to: &$0)
      }
      $0.path("weights", student.weights)
      if student.weights != nil || student.network.architecture == nil {
        $0.line("classifier", student.classifier.rawValue)
      }
      if !student.freeze.isEmpty {
        $0.line("freeze", "[\(student.freeze.map(YAMLWriter.quoted).joined(separator: ", "))]")
      }
    }
    if case .several(let teachers)? = teacher?.source {
      writer.list("teacher", teachers) { $1.write(to: &$0) }
    } else if let teacher {
      writer.section("teacher") { teacher.write(to: &$0) }
    }
    writer.section("losses") { losses.write(to: &$0) }
    writer.section("training") { $0.write(training, Recipe.settings) }
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

extension Configuration.Teacher {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch source {
    case .weights(let network, let file):
      writer.line("network", network.name)
      writer.path("weights", file)
    case .configuration(let network, let run):
      writer.line("network", network.name)
      writer.path("config", run.file)
      if !run.overrides.isEmpty {
        writer.line("set", "[\(run.overrides.map(YAMLWriter.quoted).joined(separator: ", "))]")
      }
    case .recording(let folder): writer.path("recording", folder)
    case .exported(let exported):
      writer.path("exported", exported.file)
      writer.section("outputs") { writer in
        for (name, place) in exported.outputs.sorted(by: { $0.key < $1.key }) {
          writer.line(YAMLWriter.quoted(name), place.yaml)
        }
      }
    case .onnx(let source):
      source.write(to: &writer)
    case .several: preconditionFailure("each of several teachers is written by itself")
    }
    writer.line("precision", precision.rawValue)
    guard precision == .int8 || quantization != Configuration.Quantization() else { return }
    writer.section("int8") {
      $0.write(quantization, Configuration.Quantization.settings)
    }
  }
}

extension Configuration.ONNXSource {
  fileprivate func write(to writer: inout YAMLWriter) {
    writer.path("onnx", file)
    if let input { writer.line("input", input.rawValue) }
    guard !taps.isEmpty else { return }
    writer.section("taps") { writer in
      for (name, value) in taps.sorted(by: { $0.key < $1.key }) {
        writer.line(YAMLWriter.quoted(name), YAMLWriter.quoted(value))
      }
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
    // Not written where there is none, as in runs of earlier versions.
    if labelSmoothing > 0 { writer.line(Self.labelSmoothingKey, labelSmoothing) }
    for term in terms { writer.section(term.id) { term.write(to: &$0) } }
  }
}

extension Configuration.Term {
  fileprivate func write(to writer: inout YAMLWriter) {
    if id != method.name { writer.line("method", method.name) }
    if method.ownWeight == nil { weight.write(to: &writer) }
    writer.write(method)
    writer.write(self, Self.settings)
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
