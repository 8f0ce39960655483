// `kindred record --check`: a recording's holes, damage and doubles, as text or JSON.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport

struct RecordingView {
  private let folder: URL
  private let outputs: OutputOptions

  init(_ folder: URL, _ outputs: OutputOptions) { (self.folder, self.outputs) = (folder, outputs) }

  /// Prints what is found.
  /// - Throws: `ExitCode` where it is not sound or the look at it was stopped, `RecordingError` where it is no recording.
  func show() throws {
    StopRequest.listen()
    let progress = CheckProgressLine(quiet: outputs.quiet, of: "batches")
    let check = try RecordingCheck(
      folder,
      goesOn: { done, total in
        progress.show(done, of: total)
        return !StopRequest.isPending
      })
    progress.finish()
    guard let check else { throw ExitCode(StopRequest.exitStatus) }
    output(outputs.json ? try json(Report(check, folder), .recordingCheck) : text(check).joined(separator: "\n"))
    if !check.isSound { throw ExitCode(1) }
  }

  private func text(_ check: RecordingCheck) -> [String] {
    let batches = check.header.batches
    var lines = check.missing.map { "missing    \(batches.words($0.lowerBound, $0.upperBound - 1))" }
    lines += check.damaged.map {
      "damaged    \(batches.words($0.batches.lowerBound, $0.batches.upperBound)): \($0.problem)"
    }
    if let problem = check.classifierProblem { lines.append("damaged    \(problem)") }
    lines += check.strangers.map { "too much   a shard of batches \($0), but it has \(batches.count) batches" }
    lines += check.overlaps.map { "twice      the shards of batches \($0[0]) and \($0[1]) overlap" }
    lines += check.leftovers.map { "left over  \($0)" }
    let whole =
      "\(check.header.teacher.name): \(check.header.signals.joined(separator: ", ")) of \(batches.epochs) epochs, "
      + "\(batches.count) batches, \(Format.bytes(check.bytes))"
    if check.isSound { return [whole] }
    let missing = check.missing.reduce(0) { $0 + $1.count }
    let damaged = check.damaged.reduce(0) { $0 + $1.batches.count }
    if !check.isFinished {
      lines.append("unfinished its header is called recording-unfinished.json until all is there")
    }
    lines += ["", "\(whole) of them; \(missing) batches are missing, \(damaged) damaged"]
    return lines + [wayOut(check)]
  }

  private func wayOut(_ check: RecordingCheck) -> String {
    let header = check.header
    var words = [
      ShellCommand.program, "record", "CONFIG", "--out", folder.displayName, "--epochs", "\(header.batches.epochs)",
    ]
    if header.storage != .float32 { words += ["--storage", header.storage.rawValue] }
    let line = ShellCommand.line(words + ["--resume"])
    let isBlocked = !check.overlaps.isEmpty || !check.strangers.isEmpty
    return
      (isBlocked
      ? "delete one of what is there twice, and what is too much; then complete it with: " : "complete it with: ")
      + line
  }

  /// The JSON document.
  private struct Report: Encodable {
    struct Place: Encodable {
      let batch: Int
      let epoch: Int
      let batchOfEpoch: Int
    }

    struct Batches: Encodable {
      let first: Place
      let last: Place
      /// Absent where nothing is wrong with what is there.
      let problem: String?
    }

    let folder: String
    let teacher: String
    let signals: [String]
    let epochs: Int
    let batches: Int
    let bytes: Int
    let isSound: Bool
    let isFinished: Bool
    let missing: [Batches]
    let damaged: [Batches]
    let classifier: String?
    let leftovers: [String]
    /// First and last batch of each of two shards.
    let overlaps: [[[Int]]]
    let beyondTheEnd: [[Int]]

    init(_ check: RecordingCheck, _ folder: URL) {
      let header = check.header
      func place(_ batch: Int) -> Place {
        Place(
          batch: batch, epoch: batch / header.batches.perEpoch + 1, batchOfEpoch: batch % header.batches.perEpoch + 1)
      }
      self.folder = folder.displayName
      (teacher, signals) = (header.teacher.name, header.signals)
      (epochs, batches, bytes) = (header.batches.epochs, header.batches.count, check.bytes)
      (isSound, isFinished) = (check.isSound, check.isFinished)
      missing = check.missing.map { .init(first: place($0.lowerBound), last: place($0.upperBound - 1), problem: nil) }
      damaged = check.damaged.map {
        .init(first: place($0.batches.lowerBound), last: place($0.batches.upperBound), problem: $0.problem)
      }
      classifier = check.classifierProblem
      leftovers = check.leftovers
      overlaps = check.overlaps.map { $0.map { [$0.lowerBound, $0.upperBound] } }
      beyondTheEnd = check.strangers.map { [$0.lowerBound, $0.upperBound] }
    }
  }
}

extension RecordingHeader.Batches {
  /// Batches from one to another, counted over all epochs, as files and as people count them.
  fileprivate func words(_ first: Int, _ last: Int) -> String {
    first == last
      ? "batch \(first) (\(place(of: first)))"
      : "batches \(first) to \(last) (\(place(of: first)) to \(place(of: last)))"
  }
}
