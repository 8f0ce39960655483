/// From a configuration back to YAML, complete: what a run's folder keeps, and what a run is resumed from.

import Foundation

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
    writer.path("folder", folder)
    writer.line("train_images", trainImages.map(String.init) ?? "all")
    writer.line("held_out_images", heldOutImages)
    writer.line("evaluate_on", evaluateOn.rawValue)
    writer.line("test_images", testImages.map(String.init) ?? "all")
    writer.line("crop_padding", augmentation.cropPadding)
    writer.line("flip", augmentation.flip)
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
      $0.line("calibration_batches", quantization.calibrationBatches)
      $0.line("checked_images", quantization.checkedImages)
      $0.line("largest_top1_drop", quantization.largestTop1Drop)
      $0.line("largest_gram_error", quantization.largestGramError)
      $0.line("smallest_gram_correlation", quantization.smallestGramCorrelation)
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
    writer.line("cross_entropy", crossEntropy)
    if let sp { writer.section("sp") { sp.write(to: &$0) } }
    if let kd {
      writer.section("kd") {
        $0.line("alpha", kd.alpha)
        $0.line("temperature", kd.temperature)
      }
    }
    if let at { writer.section("at") { at.write(to: &$0) } }
    if let hint { writer.section("hint") { hint.write(to: &$0) } }
  }
}

extension Configuration.ActivationLoss {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch weight {
    case .fixed(let value):
      writer.line("weight", value)
    case .automatic(let calibration, let found):
      let note = "  # auto, fraction \(calibration.fraction)"
      writer.line("weight", found.map { "\($0)\(note)" } ?? "auto")
      writer.line("fraction", calibration.fraction)
      writer.line("calibration_batches", calibration.batches)
    }
    let pairs = layers.map { pair in
      let (student, teacher) = (YAMLWriter.quoted(pair.student), YAMLWriter.quoted(pair.teacher))
      return pair.student == pair.teacher ? student : "{student: \(student), teacher: \(teacher)}"
    }
    writer.line("layers", "[\(pairs.joined(separator: ", "))]")
  }
}

extension Configuration.Training {
  fileprivate func write(to writer: inout YAMLWriter) {
    writer.line("epochs", epochs)
    writer.line("batch_size", batchSize)
    writer.line("seed", seed)
    if let planSeed { writer.line("plan_seed", planSeed) }
    if let planEpochs { writer.line("plan_epochs", planEpochs) }
    writer.line("drop_last", dropLast)
    writer.section("optimizer") { optimizer.write(to: &$0) }
    writer.section("schedule") { schedule.write(to: &$0) }
    writer.line("evaluate_every", evaluateEvery)
    writer.line("threads", threads)
    writer.line("device", device.rawValue)
    writer.line("precision", precision.rawValue)
    writer.line("cuda_graph", cudaGraph)
  }
}

extension Configuration.Optimizer {
  fileprivate func write(to writer: inout YAMLWriter) {
    switch self {
    case .sgd(let sgd):
      writer.line("name", Name.sgd.rawValue)
      writer.line("learning_rate", sgd.learningRate)
      writer.line("momentum", sgd.momentum)
      writer.line("nesterov", sgd.nesterov)
      writer.line("weight_decay", sgd.weightDecay)
    case .adamW(let adamW):
      writer.line("name", Name.adamW.rawValue)
      writer.line("learning_rate", adamW.learningRate)
      writer.line("beta1", adamW.beta1)
      writer.line("beta2", adamW.beta2)
      writer.line("epsilon", adamW.epsilon)
      writer.line("weight_decay", adamW.weightDecay)
    }
  }
}

extension Configuration.Schedule {
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
