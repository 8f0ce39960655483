// Hostile inputs for every reader, each a function of a seed and its number.

import ArgumentParser
import Foundation
import KindredReport
import TestSupport

struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz", abstract: "Reads damaged and hostile files.",
    discussion: """
      An input fails where it ends the process, takes more than 10 seconds of the processor, makes the reader allocate \
      more than 1024 times its size and 256 KiB (where a size is expected, such as a data set's, also three times that), \
      or gives an error that is not Kindred's own. It is kept in the folder of failures; --only NUMBER with the same seed reads it again.
      """)

  @Argument(help: "What to fuzz. (default: all)")
  var readers: [FuzzTarget] = []

  @Option(help: "The number of inputs for each reader.")
  var inputs = 1_000_000

  @Option(help: "The seed of all inputs.")
  var seed: UInt64 = 1

  @Option(help: "Only the input of this number, of one reader, in this process.")
  var only: Int?

  @Option(help: "The folder in which inputs that fail are kept.")
  var failures = "fuzz-failures"

  @Option(help: .hidden) var first = 0
  @Option(help: .hidden) var state: String?
  @Option(help: .hidden) var folder: String?

  func validate() throws {
    guard only == nil || readers.count == 1 else { throw ValidationError("--only needs the name of one reader.") }
    guard inputs > 0 else { throw ValidationError("--inputs is above 0.") }
  }

  func run() throws {
    if let state, let folder {
      let worker = try FuzzWorker(
        readers[0], seed: seed, folder: URL(filePath: folder), state: FuzzState(URL(filePath: state)))
      return try worker.run(first..<inputs)
    }
    if let only { return try readOne(only) }
    var failed = 0
    for target in readers.isEmpty ? FuzzTarget.allCases : readers {
      var campaign = try FuzzCampaign(target, inputs: inputs, seed: seed, failures: URL(filePath: failures))
      try campaign.run()
      failed += campaign.failed
      say(campaign.row.joined(separator: "  "))
    }
    guard failed == 0 else { throw Failure("\(failed) inputs failed; they are kept in \(failures)") }
  }

  private func readOne(_ number: Int) throws {
    let work = try TestFolder.inMemory()
    let folder = try work.folder("inputs")
    let state = try FuzzState(work.url.appending(path: "state"))
    say(try FuzzWorker(readers[0], seed: seed, folder: folder, state: state).readAloud(number))
  }
}

extension FuzzTarget: ExpressibleByArgument {}

/// All inputs of one reader, in as many processes as fail.
private struct FuzzCampaign {
  /// Then there is enough to look into.
  private static let mostFailures = 20

  let target: FuzzTarget
  let inputs: Int
  let seed: UInt64
  let failures: URL
  private let work: TestFolder
  private let stateFile: URL
  private let state: FuzzState
  private(set) var failed = 0
  private var done = 0

  init(_ target: FuzzTarget, inputs: Int, seed: UInt64, failures: URL) throws {
    (self.target, self.inputs, self.seed, self.failures) = (target, inputs, seed, failures)
    work = try TestFolder.inMemory()
    stateFile = work.url.appending(path: "state")
    state = try FuzzState(stateFile)
  }

  mutating func run() throws {
    let progress = Progress(target.rawValue, total: inputs)
    while done < inputs, failed < FuzzCampaign.mostFailures {
      let process = try start(from: done)
      while process.isRunning {
        progress.update(done: min(state.number, inputs - 1), "\(failed) failures")
        usleep(100_000)
      }
      process.waitUntilExit()
      done = state.number
      guard process.terminationReason != .exit || process.terminationStatus != 0 || !state.problem.isEmpty else {
        break
      }
      guard process.terminationReason != .exit || !state.problem.isEmpty else {
        throw Failure("\(target.rawValue): the process of the inputs ended with \(process.terminationStatus)")
      }
      failed += 1
      let problem = state.problem.isEmpty ? "signal \(process.terminationStatus)" : state.problem
      progress.message("\(target.rawValue): seed \(seed), input \(done): \(problem)")
      try keep(done)
      state.problem = ""
      done += 1
    }
    progress.update(done: inputs, "\(failed) failures")
  }

  private func start(from number: Int) throws -> Process {
    state.number = number
    // What a process that ended so left behind is in the way of the next one.
    try? FileManager.default.removeItem(at: work.url.appending(path: "inputs"))
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "fuzz", target.rawValue, "--inputs", "\(inputs)", "--seed", "\(seed)", "--first", "\(number)", "--state",
      stateFile.path, "--folder", try work.folder("inputs").path,
    ]
    process.standardInput = FileHandle.nullDevice
    // A crash is told by its number; --only shows where it lies.
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    try process.run()
    return process
  }

  /// Keeps the files of an input.
  private func keep(_ number: Int) throws {
    let worker = try FuzzWorker(target, seed: seed, folder: work.folder("failure-\(failed)"), state: state)
    let folder = failures.appending(path: "\(target.rawValue)-\(seed)-\(number)")
    for file in worker.input(number) {
      let url = folder.appending(path: file.name)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.bytes).write(to: url)
    }
  }

  /// Reader, inputs, those that were read, failures, the largest peak and the largest multiple.
  var row: [String] {
    [
      target.rawValue, "\(done) inputs", "\(state.accepted) read", "\(failed) failed",
      "peak \(Format.bytes(state.largestPeak))",
      "multiple \(Format.decimal(Double(state.largestMultiple) / 1000, places: 1))",
    ]
  }
}
