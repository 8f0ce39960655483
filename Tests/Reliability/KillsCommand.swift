// SIGKILL at random moments: what was killed goes on, and ends with the bytes of an undisturbed run.

import ArgumentParser
import Foundation
import Kindred
import KindredVision
import TestSupport

struct KillsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kills", abstract: "Kills runs, recordings and comparisons at random moments and compares the bytes.")

  @Argument(help: "What to kill: train, distill, record, compare. (default: all)")
  var scenarios: [String] = []

  @Option(help: "The kills of each.")
  var kills = 60

  @Option(help: "The seed of the moments.")
  var seed: UInt64 = 1

  @Option(help: "The training images, in batches of 32.")
  var images = 160

  @Option(help: "The epochs of a run.")
  var epochs = 3

  func run() throws {
    for scenario in try Scenario.named(scenarios) {
      var round = try Round(scenario, images: images, epochs: epochs)
      try round.measure()
      let progress = Progress("\(scenario.name): kills", total: kills)
      var random = SplitMix64(key: seed, UInt64(scenario.name.utf8.count))
      while round.kills < kills {
        try round.untilFinished(&random) { progress.update(done: min($0, kills)) }
      }
      say(
        "\(scenario.name): \(round.kills) kills in \(round.finished) runs with seed \(seed), "
          + "every one ended with the same bytes (\(round.files) files)")
    }
  }
}

/// Runs of one kind, killed until they are through.
private struct Round {
  let scenario: Scenario
  private let work: TestFolder
  private let template: TestFolder
  private(set) var kills = 0
  private(set) var finished = 0
  private var wanted: [String: Data] = [:]
  private var seconds = 0.0

  init(_ scenario: Scenario, images: Int, epochs: Int) throws {
    self.scenario = scenario
    (work, template) = (try TestFolder.inMemory(), try TestFolder.inMemory())
    try scenario.prepare(template, images: images, epochs: epochs)
  }

  var files: Int { wanted.count }

  /// The undisturbed run: its time and its bytes.
  mutating func measure() throws {
    let folder = try fresh()
    let start = ProcessInfo.processInfo.systemUptime
    try scenario.finish(in: folder)
    seconds = ProcessInfo.processInfo.systemUptime - start
    wanted = try Outcome(folder).results()
  }

  /// Always the same folder: a run's configuration names its teacher's file by its whole path.
  private func fresh() throws -> URL {
    let folder = work.url.appending(path: "run")
    try? FileManager.default.removeItem(at: folder)
    try FileManager.default.copyItem(at: template.url, to: folder)
    return folder
  }

  /// One run, killed again and again.
  mutating func untilFinished(_ random: inout SplitMix64, onKill: (Int) -> Void) throws {
    let folder = try fresh()
    while true {
      let child = try kindred(scenario.arguments, in: folder)
      let moment = ProcessInfo.processInfo.systemUptime + Double.random(in: 0..<seconds, using: &random)
      while child.isRunning, ProcessInfo.processInfo.systemUptime < moment { usleep(1_000) }
      child.send(SIGKILL)
      let end = child.wait()
      if end.status == 0 { break }
      guard end.status == -SIGKILL else { throw Failure("\(scenario.name) ended with \(end.status): \(end.errors)") }
      kills += 1
      onKill(kills)
    }
    finished += 1
    let outcome = Outcome(folder)
    let found = try outcome.results()
    for name in Set(wanted.keys).union(found.keys).sorted() where wanted[name] != found[name] {
      throw Failure("\(scenario.name): after kill \(kills), \(name) is not that of an undisturbed run")
    }
  }
}
