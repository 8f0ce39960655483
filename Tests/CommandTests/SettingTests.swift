// Settings from the file to the run's folder and back, as the built command takes them.

import Foundation
import TestSupport
import Testing

@Suite struct SettingTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
  }

  @Test func inspectWarnsOfWhatDoesNothing() throws {
    #expect(try Command.run("train", "teacher.yaml", "--quiet", in: scratch.url).status == 0)
    let arguments = ["--set", "training.schedule={milestones: [2, 60]}", "--set", "losses.hint.weight=0"]
    let run = try Command.start(["inspect", "student.yaml"] + arguments, in: scratch.url).wait()
    #expect(run.status == 0)
    let warnings = [
      "warning: training.schedule.milestones: 60 never comes in a run of 3 epochs; use smaller ones, or more epochs",
      "warning: losses.hint.weight: 0 switches the term off; give it a weight, or take the term out",
    ]
    #expect(self.warnings(run) == warnings, "\(run.errors)")
    #expect(try self.warnings(Command.run("inspect", "student.yaml", in: scratch.url)) == [])
    // The run says the same, also where it prints no progress.
    let trained = try Command.run(
      "train", "plain.yaml", "--quiet", "--set", "training.schedule={milestones: [2, 60]}", in: scratch.url)
    #expect(trained.status == 0 && self.warnings(trained) == [warnings[0]], "\(trained.errors)")
  }

  private func warnings(_ run: Child.Finished) -> [String] {
    run.errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("warning: ") }
  }

  /// The largest seeds there are: written, read back and compared when a run goes on.
  @Test func everySeedReadsBack() throws {
    let arguments = [
      "train", "plain.yaml", "--out", "run", "--quiet", "--json", "--seed", "18446744073709551615", "--set",
      "training.plan_seed=9223372036854775808", "--epochs", "1",
    ]
    let first = try Command.start(arguments, in: scratch.url).wait()
    let again = try Command.start(arguments + ["--resume"], in: scratch.url).wait()
    #expect(first.status == 0 && again.status == 0, "\(first.errors) \(again.errors)")
    #expect(first.output == again.output)
    #expect(first.output.contains("\"seed\" : 18446744073709551615"))
    #expect(try Command.run("evaluate", "run", in: scratch.url).status == 0)
  }
}
