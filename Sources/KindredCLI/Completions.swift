// What a shell offers where a word of the command is to be completed: files of a kind, and names out of the catalogues.

import ArgumentParser
import Kindred
import KindredVision

extension CompletionKind {
  /// A run's or a study's file.
  static var configurations: CompletionKind { .file(extensions: ["yaml", "yml"]) }
  /// A file of tensors.
  static var tensors: CompletionKind { .file(extensions: ["safetensors"]) }
  /// A network by its name.
  static var networks: CompletionKind { .list(Architecture.suggestedNames) }
  /// A method by its name.
  static var methods: CompletionKind { .list(Methods.all.map { $0.card.name }) }
  /// A data set by its name, those that are drawn too.
  static var dataSets: CompletionKind { .list(DataSets.all.map(\.name)) }
  /// A data set that can be fetched.
  static var publishedDataSets: CompletionKind { .list(DataSets.published) }
  /// A part of a data set.
  static var splits: CompletionKind { .list(DataSplit.allCases.map(\.rawValue) + ["held-out", "run"]) }
}
