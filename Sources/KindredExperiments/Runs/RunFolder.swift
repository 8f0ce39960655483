// A run's folder: its files, and the rule that one run is never written over another.

import Files
import Foundation
import Kindred
import KindredReport
import Torch

/// The folder of one run.
///
/// Every file in it appears whole or not at all: `config.yaml` (the resolved configuration), `metrics.jsonl` (a line an
/// epoch), `checkpoint.safetensors` (the state to resume from, at the end without the weights), `weights-best.safetensors` (those
/// of the best evaluation so far, at the end unless it was the last), `weights.safetensors` and `result.json` at the end, with `weights-ema.safetensors` where their moving average was
/// kept; `student/`, which keeps the student's ONNX file where it came in one; `diverged.txt` where the loss was no number any
/// more; and, of no other run's concern, `report.html` with what it measured (`measured.json`). Only the files in
/// `tensorboard/`, where there are such, grow while the run goes on.
package struct RunFolder: Sendable {
  package let url: URL

  package init(_ url: URL) { self.url = url }

  package var configuration: URL { url.appending(path: "config.yaml") }
  package var metrics: URL { url.appending(path: "metrics.jsonl") }
  package var checkpoint: URL { url.appending(path: "checkpoint.safetensors") }
  package var weights: URL { url.appending(path: "weights.safetensors") }
  /// The moving average of the weights, where one was kept.
  package var averageWeights: URL { url.appending(path: "weights-ema.safetensors") }
  package var bestWeights: URL { url.appending(path: "weights-best.safetensors") }
  /// Holds the network that is trained, where it came in a file.
  package var student: URL { url.appending(path: "student") }
  package var result: URL { url.appending(path: "result.json") }
  /// Why the run diverged, where it did.
  package var divergence: URL { url.appending(path: "diverged.txt") }
  /// What TensorBoard shows, where that was asked for.
  package var tensorBoard: URL { url.appending(path: "tensorboard") }
  /// What a report has measured of the weights.
  package var measurement: URL { url.appending(path: "measured.json") }
  package var report: URL { url.appending(path: "report.html") }

  /// The path as people write it: from the current folder when it lies below.
  package var name: String { url.displayName }

  /// What is in the folder before a run begins.
  enum State {
    case empty
    case unfinished(Configuration)
    case finished(Configuration, RunResult)
  }

  /// - Throws: `RunError` where the folder holds something that is no run.
  func state() throws -> State {
    let files = FileManager.default
    guard files.fileExists(atPath: url.path) else { return .empty }
    if files.fileExists(atPath: configuration.path) {
      let settings = try Configuration.load(file: configuration)
      guard files.fileExists(atPath: result.path) else { return .unfinished(settings) }
      return .finished(settings, try readResult())
    }
    let contents = (try? files.contentsOfDirectory(atPath: url.path)) ?? []
    // A run that ended before it had written down what it is may have kept its student already.
    let foreign = contents.filter {
      !$0.hasSuffix(".partial") && $0 != FolderLock.fileName && $0 != student.lastPathComponent
    }
    guard foreign.isEmpty else {
      throw RunError("\(name) is not empty and holds no run; choose another folder with --out")
    }
    return .empty
  }

  /// The epochs that a run has behind it.
  /// - Throws: `TensorFileError` for a damaged checkpoint.
  var epochsDone: Int {
    get throws { hasCheckpoint ? try Checkpoint.progress(of: checkpoint).position.epoch : 0 }
  }

  /// Why what only a finished run has is not there.
  var notFinished: RunError {
    if FolderLock.isHeld(url), FileManager.default.fileExists(atPath: configuration.path) {
      return RunError(
        "\(name) is still running; \(ShellCommand.line([ShellCommand.program, "watch", name])) shows how far it is")
    }
    return RunError("\(name) holds no finished run (no \(weights.lastPathComponent))")
  }

  package var hasResult: Bool { FileManager.default.fileExists(atPath: result.path) }

  var hasCheckpoint: Bool { FileManager.default.fileExists(atPath: checkpoint.path) }

  /// The result of a finished run.
  /// - Throws: `RunError` where there is none or it is damaged.
  func readResult() throws -> RunResult {
    guard let data = try read(result) else { throw notFinished }
    let schema = try? JSONDecoder().decode(Schema.self, from: data).schema
    if let schema, schema != JSONSchema.result.rawValue {
      throw RunError(
        "\(result.displayName) is of another version of Kindred (\(schema)); delete the folder and run again")
    }
    do {
      return try JSONDecoder().decode(RunResult.self, from: data)
    } catch {
      throw RunError("\(result.displayName) is damaged; delete the folder and run again")
    }
  }

  private struct Schema: Decodable { let schema: String? }

  /// A file's contents; nil where there is none.
  /// - Throws: `RunError` where there is one that cannot be read.
  func read(_ file: URL) throws -> Data? {
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do {
      return try Data(contentsOf: file)
    } catch {
      throw RunError("\(file.displayName) cannot be read: \(systemReason(error))")
    }
  }

  func create() throws {
    do {
      try Folder.make(url)
    } catch {
      throw RunError("the folder \(name) cannot be made: \(error)")
    }
  }

  /// Whether its loss was no number any more.
  var hasDiverged: Bool { FileManager.default.fileExists(atPath: divergence.path) }

  /// Takes away what a run that diverged has left, so that another one may take its place.
  func beginAnew() throws { try remove([checkpoint, metrics, bestWeights, configuration, divergence]) }

  func remove(_ files: [URL]) throws {
    for file in files where FileManager.default.fileExists(atPath: file.path) {
      guard unlink(file.path) == 0 else {
        throw RunError("\(file.displayName) cannot be removed: \(systemReason(errno))")
      }
    }
  }

  /// Writes down what is run. A run that was finished is so no more: it is to have more epochs.
  func begin(_ settings: Configuration) throws {
    try restoreCopies()
    // The result first: without it the folder's run is an unfinished one, whatever else is there.
    try remove([result, weights, averageWeights, divergence])
    try write(Data(try keepingStudent(settings).yaml(in: url).utf8), to: configuration)
  }

  /// The settings with a copy of the student's ONNX file in the folder: a run is all there is of itself.
  private func keepingStudent(_ settings: Configuration) throws -> Configuration {
    guard case .onnx(var source) = settings.student.network else { return settings }
    let copy = student.appending(path: source.file.url.lastPathComponent)
    if source.file.url.standardizedFileURL != copy.standardizedFileURL {
      try RunFolder(student).create()
      try write(try source.selfContained(), to: copy)
    }
    var own = settings
    source.file = ConfiguredFile(copy, isRelative: true)
    own.student.network = .onnx(source)
    return own
  }

  func write(_ run: RunResult) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try write(try encoder.encode(JSONDocument(run, .result)) + Data("\n".utf8), to: result)
  }

  /// Writes a file of the run, whole or not at all.
  /// - Throws: `RunError` with the system's reason.
  package func write(_ data: Data, to file: URL) throws {
    do {
      try AtomicFile.write(data, to: file)
    } catch {
      throw RunError("\(file.displayName) cannot be written: \(error)")
    }
  }
}

/// A run whose loss is no number any more. Others may go on.
package struct DivergedRun: Error, CustomStringConvertible, Sendable {
  /// What was seen.
  package let reason: String
  let advice: String

  package var description: String { "\(reason); \(advice)" }
}

/// Something about a run that cannot be: one line for the person who asked for it.
package struct RunError: Error, CustomStringConvertible, LocalizedError, Sendable {
  package let description: String

  package init(_ description: String) { self.description = description }

  package var errorDescription: String? { description }
}
