// The Swift side of the benchmark of losses: the same measurements as `pytorch_losses.py`, with the same arguments and JSON.

import ArgumentParser
import Foundation
import Torch

/// Times every method's loss, forward and backward.
struct LossesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "losses", abstract: "Time losses, forward and backward; a line of JSON for each.")

  @Option(help: "Names with commas; all by default.") var methods: String?
  @Option var batch = 64
  @Option(help: "How many medians each gets.") var rounds = 5
  @Option var threads = Runtime.physicalCoreCount
  @Flag(help: "Count the process's time on the processor, for a machine that others use too.") var cpuTime = false

  private static let secondsPerRound = 0.2
  private static let fewestIterations = 3
  /// One alone is steady enough.
  private static let longIteration = 5.0

  private struct Line: Encodable {
    let method: String
    let batch: Int
    let seconds: [Double]
    /// What the first step needs beyond what was there before it, at its peak, in MiB; nil where that cannot be told.
    let addedMemoryMb: Double?
  }

  func validate() throws {
    guard batch >= 2, rounds >= 1, threads >= 1 else {
      throw ValidationError("--batch must be at least 2, --rounds and --threads at least 1.")
    }
  }

  func run() throws {
    prepareRuntime(threads: threads)
    for name in chosen {
      let (run, work) = try work(name)
      let memory = warmUp(run, work)
      try printJSON(Line(method: name, batch: batch, seconds: seconds(run, work), addedMemoryMb: memory), oneLine: true)
    }
  }

  private static var names: [String] { LossRun.methods.map(\.name) + LossRun.contrastiveParts }

  /// What to time: with CRD its parts too.
  private var chosen: [String] {
    guard let names = methods?.split(separator: ",").map(String.init) else { return LossesCommand.names }
    return names + (names.contains("crd") ? LossRun.contrastiveParts.filter { !names.contains($0) } : [])
  }

  /// What is timed under a name.
  private func work(_ name: String) throws -> (run: LossRun, body: () -> Void) {
    let isPart = LossRun.contrastiveParts.contains(name)
    guard let method = LossRun.methods.first(where: { $0.name == (isPart ? "crd" : name) })?.method else {
      throw ValidationError("There is no '\(name)', only \(LossesCommand.names.joined(separator: ", ")).")
    }
    let run = try LossRun(method, batch: batch)
    switch name {
    case "crd-gather": return (run, run.contrastiveScores())
    default: return (run, isPart ? { run.preparedBatch() } : run.step)
    }
  }

  /// Each round's median; a round lasts as long as several iterations need for `secondsPerRound`, or a long one.
  private func seconds(_ run: LossRun, _ body: () -> Void) -> [Double] {
    (0..<rounds).map { _ in
      var (times, total) = ([Double](), 0.0)
      while total < LossesCommand.longIteration,
        times.count < LossesCommand.fewestIterations || total < LossesCommand.secondsPerRound
      {
        times.append(iteration(run, body))
        total += times[times.count - 1]
      }
      return median(times)
    }
  }

  /// An iteration, and another one where that is short. What the first needs of memory.
  private func warmUp(_ run: LossRun, _ body: () -> Void) -> Double? {
    var seconds = 0.0
    let memory = PeakMemory.added { seconds = iteration(run, body) }
    if seconds < LossesCommand.longIteration { _ = iteration(run, body) }
    return memory
  }

  private func iteration(_ run: LossRun, _ body: () -> Void) -> Double {
    run.clearGradients()
    let start = now
    body()
    return now - start
  }

  /// Seconds from some point in time on.
  private var now: Double {
    var time = timespec()
    clock_gettime(cpuTime ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
