// Which runs of a comparison learn from one recording.

import Foundation
import Kindred
import TestSupport
import Testing

@testable import KindredExperiments

@Suite struct SharedSignalTests {
  /// One seed of a row for each loss, all of one teacher.
  private func groups(_ losses: [String]) throws -> [SharedSignal] {
    let folder = try TestFolder(TinyRuns.files())
    let rows = try losses.map { loss in
      try folder.write(
        "extends: plain.yaml\nteacher: {config: teacher.yaml}\nlosses: {\(loss): {}}\n", to: "\(loss).yaml")
      return try Configuration.load(file: folder.url.appending(path: "\(loss).yaml"))
    }
    let jobs = try Comparison(rows, seeds: 1, runs: folder.url, library: ImageLibrary()).jobs
    return SharedSignal.groups(jobs.filter { $0.settings.teacher != nil })
  }

  private func names(_ signals: [SharedSignal]) -> [[String]] { signals.map { $0.jobs.map(\.settings.name) } }

  /// OFD asks a teacher for its batch norms, which no recording has: it runs beside the others, and not instead of them.
  @Test func whatNeedsALiveTeacherIsApart() throws {
    let signals = try groups(["sp", "ofd", "kd"])
    #expect(names(signals) == [["sp", "kd"], ["ofd"]])
    #expect(signals.map(\.isRecordable) == [true, false])
  }

  /// A recording takes what its runs need together: sp 2, kd 3, hint and at 50 each.
  @Test func whatIsTooLargeKeepsNothingElseFromBeingRecorded() throws {
    let signal = try #require(try groups(["sp", "at", "kd", "hint"]).first)
    let sizes = ["sp": 2, "kd": 3, "at": 50, "hint": 50]
    func fitting(_ limit: Int) -> [[String]] {
      names(signal.fitting(below: limit) { $0.jobs.reduce(0) { $0 + (sizes[$1.settings.name] ?? 0) } })
    }
    #expect(fitting(106) == [["sp", "at", "kd", "hint"]])
    #expect(fitting(105) == [["sp", "kd"], ["at", "hint"]])
    #expect(fitting(5) == [["sp"], ["at", "hint", "kd"]])
    #expect(fitting(2) == [["sp", "at", "kd", "hint"]])
  }
}
