// A run's whole state in one safetensors file.

import Foundation
import Torch

/// Student, adapters, optimiser and progress: all that the rest of a run depends on.
public enum Checkpoint {
  private static let progressKey = "progress"

  /// - Throws: `NonFiniteLoss` when a loss was not finite, `SafetensorsError` when the file cannot be written; an older
  ///   one then stays as it was.
  public static func save(_ distiller: Distiller, to file: URL) throws {
    try distiller.readMetrics()
    let progress = try JSONEncoder().encode(distiller.progress)
    try Safetensors.write(
      distiller.tensors, metadata: [progressKey: String(decoding: progress, as: UTF8.self)], to: file)
  }

  /// How far the run of a checkpoint has come.
  /// - Throws: `SafetensorsError` for a damaged file or one that is no checkpoint.
  public static func progress(of file: URL) throws -> TrainingProgress {
    try progress(in: Safetensors.metadata(of: file), file)
  }

  private static func progress(in metadata: [String: String], _ file: URL) throws -> TrainingProgress {
    guard let text = metadata[progressKey],
      let progress = try? JSONDecoder().decode(TrainingProgress.self, from: Data(text.utf8)), progress.isPossible
    else { throw SafetensorsError(file: file.path, problem: "holds no progress of a run") }
    return progress
  }

  /// Puts a run's state back.
  /// - Throws: `SafetensorsError` for a damaged file, `StateError` for one of another run.
  public static func load(_ file: URL, into distiller: Distiller) throws {
    let (tensors, metadata) = try Safetensors.read(file)
    let progress = try progress(in: metadata, file)
    // All is compared before anything is loaded, so that a checkpoint that does not fit changes nothing.
    let (own, saved) = (distiller.tensors.mapValues(\.shape), tensors.mapValues(\.shape))
    for name in Set(own.keys).union(saved.keys).sorted() where own[name] != saved[name] {
      guard let wanted = own[name] else { throw StateError(entry: name, problem: "is not part of this run") }
      guard let found = saved[name] else { throw StateError(entry: name, problem: "is missing") }
      throw StateError(entry: name, problem: "has shape \(found), this run wants \(wanted)")
    }
    try distiller.student.load(tensors.entries(under: "student"))
    for (name, adapter) in distiller.objective.adapters {
      try adapter.load(tensors.entries(under: "adapter.\(name)"))
    }
    try distiller.optimizer.load(tensors.entries(under: "optimizer"))
    distiller.resume(from: progress)
  }
}

extension Distiller {
  fileprivate var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in student.state { tensors["student.\(name)"] = tensor }
    for (loss, adapter) in objective.adapters {
      for (name, tensor) in adapter.state { tensors["adapter.\(loss).\(name)"] = tensor }
    }
    for (name, tensor) in optimizer.state { tensors["optimizer.\(name)"] = tensor }
    return tensors
  }
}

extension [String: Tensor] {
  /// The entries whose names begin with a prefix and a dot, without it.
  fileprivate func entries(under prefix: String) -> [String: Tensor] {
    reduce(into: [:]) { entries, entry in
      if entry.key.hasPrefix(prefix + ".") { entries[String(entry.key.dropFirst(prefix.count + 1))] = entry.value }
    }
  }
}
