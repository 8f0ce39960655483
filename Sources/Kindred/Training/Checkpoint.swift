// A run's whole state in one safetensors file.

import Foundation
import Torch

/// Student, the average of its weights, what the losses train or keep, optimiser, gradients that wait for their step, and
/// progress: all that the rest of a run depends on.
public enum Checkpoint {
  private static let progressKey = "progress"

  /// Of several processes the first one writes it: it holds nothing that depends on their number.
  /// - Throws: `NonFiniteLoss` when a loss was not finite, `TensorFileError` when the file cannot be written; an older
  ///   one then stays as it was.
  public static func save(_ distiller: Distiller, to file: URL) throws { try save(distiller, to: file, facts: [:]) }

  /// - Parameter facts: what else is to be known of the run, kept as the file's metadata.
  package static func save(_ distiller: Distiller, to file: URL, facts: [String: String]) throws {
    try distiller.readMetrics()
    guard distiller.group.rank.isFirst else { return }
    let progress = String(decoding: try JSONEncoder().encode(distiller.progress), as: UTF8.self)
    try Safetensors.write(distiller.tensors, metadata: facts.merging([progressKey: progress]) { $1 }, to: file)
  }

  /// How far the run of a checkpoint has come.
  /// - Throws: `TensorFileError` for a damaged file or one that is no checkpoint.
  public static func progress(of file: URL) throws -> TrainingProgress {
    try progress(in: Safetensors.metadata(of: file), file)
  }

  private static func progress(in metadata: [String: String], _ file: URL) throws -> TrainingProgress {
    guard let text = metadata[progressKey],
      let progress = try? JSONDecoder().decode(TrainingProgress.self, from: Data(text.utf8)), progress.isPossible
    else { throw TensorFileError(file: file.path, problem: "holds no progress of a run") }
    return progress
  }

  /// Puts a run's state back. Of several processes the first one reads it, and the others have it from there.
  /// - Throws: `TensorFileError` for a damaged file, `StateError` for one of another run; `ProcessGroupError`.
  public static func load(_ file: URL, into distiller: Distiller) throws {
    let group = distiller.group
    var tensors = group.rank.isFirst ? [:] : distiller.tensors.mapValues { $0.detached().clone() }
    let progress = try group.firstDecides {
      let (saved, metadata) = try Safetensors.read(file)
      let progress = try Checkpoint.progress(in: metadata, file)
      // All is compared before anything is loaded, so that a checkpoint that does not fit changes nothing.
      try requireSameShapes(saved, as: distiller.tensors)
      tensors = saved
      return progress
    }
    for name in tensors.keys.sorted() { try tensors[name].map { try group.broadcast($0) } }
    try distiller.student.load(tensors.entries(under: "student"))
    for (id, module) in distiller.ownModules {
      try module.load(tensors.entries(under: "adapter.\(id)"))
    }
    try distiller.updates.load(tensors)
    distiller.resume(from: progress)
  }

  /// Takes the student out of a finished run's checkpoint, and the average of its weights: files of their own have them.
  package static func shorten(_ file: URL, hasAverage: Bool) throws {
    guard !(try isShort(file)) else { return }
    let (tensors, metadata) = try Safetensors.read(file)
    let left = tensors.filter { name, _ in
      !name.hasPrefix(studentPrefix) && !(hasAverage && name.hasPrefix(averagePrefix))
    }
    try Safetensors.write(left, metadata: metadata, to: file)
  }

  /// Whether `shorten` has been there.
  package static func isShort(_ file: URL) throws -> Bool {
    try !TensorFile(file).entries.keys.contains { $0.hasPrefix(studentPrefix) }
  }

  /// Puts back what `shorten` took out.
  package static func complete(_ file: URL, weights: URL, average: URL?) throws {
    var (tensors, metadata) = try Safetensors.read(file)
    for (name, tensor) in try Safetensors.read(weights).tensors { tensors[studentPrefix + name] = tensor }
    let averages: [String: Tensor] = try average.map { try Safetensors.read($0).tensors } ?? [:]
    for (name, tensor) in averages { tensors[averagePrefix + name] = tensor }
    try Safetensors.write(tensors, metadata: metadata, to: file)
  }

  private static let (studentPrefix, averagePrefix) = ("student.", "ema.")

  private static func requireSameShapes(_ saved: [String: Tensor], as own: [String: Tensor]) throws {
    let (own, saved) = (own.mapValues(\.shape), saved.mapValues(\.shape))
    for name in Set(own.keys).union(saved.keys).sorted() where own[name] != saved[name] {
      guard let wanted = own[name] else { throw StateError(entry: name, problem: "is not part of this run") }
      guard let found = saved[name] else { throw StateError(entry: name, problem: "is missing") }
      throw StateError(entry: name, problem: "has shape \(found), this run wants \(wanted)")
    }
  }
}

extension Distiller {
  /// The losses' modules but those that are a part of the student.
  fileprivate var ownModules: [(id: String, module: Module)] {
    let parts = student.modules
    return objective.modules.filter { term in !parts.contains { $0 === term.module } }
  }

  fileprivate var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in student.state { tensors["student.\(name)"] = tensor }
    for (id, module) in ownModules {
      for (name, tensor) in module.state { tensors["adapter.\(id).\(name)"] = tensor }
    }
    return tensors.merging(updates.tensors) { own, _ in own }
  }
}

extension ParameterUpdates {
  fileprivate var tensors: [String: Tensor] {
    let parts = [("optimizer", optimizer.state), ("gradient_sum", accumulation?.state), ("ema", average?.state)]
    return parts.reduce(into: [:]) { tensors, part in
      for (name, tensor) in part.1 ?? [:] { tensors["\(part.0).\(name)"] = tensor }
    }
  }

  fileprivate func load(_ tensors: [String: Tensor]) throws {
    try optimizer.load(tensors.entries(under: "optimizer"))
    try accumulation?.load(tensors.entries(under: "gradient_sum"))
    try average?.load(tensors.entries(under: "ema"))
  }
}
