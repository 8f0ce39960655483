// The keys of files that stand for no single value and are read by code of their own. A test holds them to that code.

import Kindred

/// A section of a file whose keys are no declared settings.
package struct UndeclaredKeys: Sendable {
  let lines: [SettingLine]

  /// Its keys.
  package var keys: [String] { lines.map(\.key) }

  private init(_ lines: [SettingLine]) { self.lines = lines }

  /// The outermost keys of a configuration.
  package static let configuration = UndeclaredKeys([
    SettingLine("name", "a text", "the file's name", "what tables and folders call the run"),
    SettingLine("data", "a section, below", "required", "the images"),
    SettingLine("student", "a section, below", "required", "the network that is trained"),
    SettingLine("teacher", "a section, below, or a list of two and more", "none", "what the student learns from"),
    SettingLine("losses", "a section, below", "cross-entropy alone", "what is made small"),
    SettingLine("training", "a section, below", "as below", "the recipe"),
  ])

  /// What a file starts from, whatever it holds.
  package static let extending = UndeclaredKeys([
    SettingLine(
      "extends", "a path", "none", "another file, whose settings hold but for `name`; a null takes one of them away")
  ])

  /// Of `student`.
  package static let student = UndeclaredKeys(
    [
      SettingLine("network", "a name of [the networks](networks.md)", "required, or `onnx`", "which network"),
      SettingLine(
        "weights", "a path", "none", "weights to start from: a run's folder, safetensors, or a PyTorch checkpoint"),
      SettingLine(
        "classifier", "`loaded` or `fresh`", "`loaded`",
        "the last layer beside given weights: theirs, or drawn anew for other classes"),
      SettingLine("freeze", "a list of taps", "none", "all that the activations there are made of stays as it is"),
    ] + onnx)

  /// Of `teacher`, which comes from one of `weights`, `config`, `recording`, `exported` and `onnx`.
  package static let teacher = UndeclaredKeys(
    [
      SettingLine(
        "network", "a name of [the networks](networks.md)", "the `config`'s", "which network; needed beside `weights`"),
      SettingLine("weights", "a path", "none", "a run's folder, safetensors, or a PyTorch checkpoint"),
      SettingLine(
        "config", "a path", "none", "the configuration of the run that makes the teacher; `compare` trains it"),
      SettingLine(
        "set", "a list of settings", "none",
        "beside `config`: `KEY=VALUE` over that file's, and over those of the teachers before it"),
      SettingLine("recording", "a path", "none", "a folder that `kindred record` wrote: no network is loaded"),
      SettingLine("exported", "a path", "none", "a TorchScript file (`.pt`) or an AOTInductor package (`.pt2`)"),
      SettingLine(
        "outputs", "a section of names", "required with `exported`",
        "where `logits` and activations lie in its result: a key, or an index from 0"),
      SettingLine("precision", "`float32` or `int8`", "`float32`", "what the teacher computes in; int8 on the CPU"),
      SettingLine("int8", "a section, below", "as below", "how an int8 teacher is made and what it may cost"),
    ] + onnx)

  private static let onnx = [
    SettingLine("onnx", "a path", "none", "an ONNX file with the network"),
    SettingLine("taps", "a section of names", "those found", "beside `onnx`: names of taps for values of the file"),
    SettingLine(
      "input", "`normalized`, `unit` or `bytes`", "what the file says",
      "beside `onnx`: whether it takes normalised images, numbers from 0 to 1, or 0 to 255"),
  ]

  /// Of `losses`, beside a section for each term.
  package static let losses = UndeclaredKeys([
    SettingLine(
      Objective.crossEntropyID, "a number of at least 0", "`1`",
      "the weight of cross-entropy; 0 where there are no labels"),
    SettingLine(
      Configuration.Losses.labelSmoothingKey, "a number from 0 to below 1", "`0`",
      "the share of cross-entropy's targets that all classes have in equal parts"),
  ])

  /// Of each term, beside its method's own settings and those that all terms declare.
  package static let term = UndeclaredKeys([
    SettingLine("weight", "a number of at least 0, or `auto`", "[the method's](methods.md)", "what the term counts"),
    SettingLine(
      "fraction", "a number above 0", "`\(Configuration.Calibration().fraction)`",
      "with `auto`: the term's gradient at the student's activation as a share of that of the losses of logits"),
    SettingLine(
      "calibration_batches", "a whole number of at least 1", "`\(Configuration.Calibration().batches)`",
      "with `auto`: the first batches, on which the weight is found"),
  ])

  /// By which a term of a name of its own says what it is.
  static let method = SettingLine(
    "method", "a name of [the methods](methods.md)", "the term's name", "for a second term of one method")

  /// The outermost keys of a study.
  package static let study = UndeclaredKeys([
    SettingLine("base", "a path, or a configuration in place", "required", "what all rows start from"),
    SettingLine(
      "rows", "a section of names", "required", "the table's rows: each stands over the base as a file that extends it"),
    SettingLine(
      "seeds", "a whole number from 1 to 1000", "`\(Study.usualSeeds)`", "runs of each row, counting up from its seed"),
    SettingLine(
      "splits", "a whole number from 1 to 1000", "none",
      "trains every row on so many divisions of the images, each with a teacher of its own"),
  ])

  /// Of a row, beside all that a configuration may have but `name`.
  package static let row = UndeclaredKeys([
    SettingLine(
      "published", "a number from 0 to 100", "none", "an accuracy in percent that the table sets beside ours"),
    SettingLine("seeds", "a whole number from 1 to 1000", "the study's", "runs of this row"),
    SettingLine("splits", "a whole number from 1 to 1000", "the study's", "divisions of this row's images"),
  ])
}
