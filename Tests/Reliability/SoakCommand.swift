// A run of many steps, watched from outside: what it keeps in memory and holds open must not grow.

import ArgumentParser
import Foundation
import KindredReport
import TestSupport

struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak", abstract: "Distils for many steps and watches memory and open files.",
    discussion: """
      The last tenth's median of the resident memory may be no more than 2 % or 4 MiB above the second tenth's, and as \
      many files must be open. An epoch has 500 steps: with every epoch the log of a run is written anew as a whole.
      """)

  private static let stepsPerEpoch = 500

  @Option(help: "The number of steps, a multiple of 500.")
  var steps = 100_000

  @Option(help: "Seconds between two looks.")
  var interval = 1.0

  func validate() throws {
    guard steps >= SoakCommand.stepsPerEpoch, steps % SoakCommand.stepsPerEpoch == 0 else {
      throw ValidationError("--steps is a multiple of \(SoakCommand.stepsPerEpoch).")
    }
  }

  func run() throws {
    let epochs = steps / SoakCommand.stepsPerEpoch
    let folder = try TestFolder.inMemory()
    try folder.write(files(epochs: epochs))
    let teacher = try kindred(["train", "teacher.yaml", "--quiet", "--no-report"], in: folder.url).wait()
    guard teacher.status == 0 else { throw Failure("the teacher cannot be trained: \(teacher.errors)") }
    let child = try kindred(["distill", "student.yaml", "--out", "out", "--quiet", "--no-report"], in: folder.url)
    let samples = watch(child, log: folder.url.appending(path: "out/metrics.jsonl"), epochs: epochs)
    let finished = child.wait()
    guard finished.status == 0 else { throw Failure("the run ended with \(finished.status): \(finished.errors)") }
    try report(samples)
  }

  private func files(epochs: Int) -> [String: String] {
    [
      "plain.yaml": """
      data: {set: textures, train_images: 2000, test_images: 40}
      student: {network: resnet-8}
      training: {epochs: \(epochs), batch_size: 4, threads: 1, optimizer: {name: sgd, learning_rate: 0.005}}
      """,
      "teacher.yaml": "extends: plain.yaml\ntraining: {epochs: 1, batch_size: 32}\n",
      "student.yaml": """
      extends: plain.yaml
      teacher: {config: teacher.yaml}
      losses: {kd: {alpha: 0.5, temperature: 4}, sp: {weight: 10}, hint: {weight: 0.1}}
      """,
    ]
  }

  private func watch(_ child: Child, log: URL, epochs: Int) -> [Sample] {
    let progress = Progress("epochs", total: epochs)
    var samples: [Sample] = []
    while child.isRunning {
      let done = (try? Data(contentsOf: log))?.count { $0 == UInt8(ascii: "\n") } ?? 0
      // The first epoch is the run's beginning: images are drawn, buffers find their sizes.
      if done > 0, let sample = Sample(of: child.id) { samples.append(sample) }
      let memory = samples.last.map { Format.bytes($0.memory) } ?? "–"
      progress.update(done: done, memory, "\(samples.last?.files ?? 0) files")
      usleep(UInt32(interval * 1e6))
    }
    return samples
  }

  private func report(_ samples: [Sample]) throws {
    guard samples.count >= 100 else {
      throw Failure("only \(samples.count) looks; more steps, or a smaller --interval")
    }
    let tenth = samples.count / 10
    let tenths = (0..<10).map { Array(samples[$0 * tenth..<($0 + 1) * tenth]) }
    let memory = tenths.map { Sample.median($0.map(\.memory)) }
    let files = tenths.map { Sample.median($0.map(\.files)) }
    say("\(steps) steps, \(samples.count) looks")
    say("resident memory by tenths: \(memory.map(Format.bytes).joined(separator: ", "))")
    say("open files by tenths: \(files.map(String.init).joined(separator: ", "))")
    let allowed = memory[1] + max(memory[1] / 50, 4 << 20)
    guard memory[9] <= allowed else { throw Failure("resident memory grows: \(memory[9]) bytes, \(allowed) allowed") }
    guard files[9] == files[1] else { throw Failure("open files: first \(files[1]), at the end \(files[9])") }
    say("both are flat")
  }
}

/// What a process holds at a moment.
private struct Sample {
  let memory: Int
  let files: Int

  init?(of process: Int32) {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8),
      let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
      let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
    else { return nil }
    (memory, self.files) = (pages * Int(sysconf(Int32(_SC_PAGESIZE))), files)
  }

  static func median(_ values: [Int]) -> Int { values.sorted()[values.count / 2] }
}
