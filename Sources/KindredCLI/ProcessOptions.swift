// Several processes for one command: started here, or met where a launcher has started them.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredVision
import Synchronization
import Torch

struct ProcessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Start so many processes on this machine, which share each batch and the cores. (default: 1)", valueName: "N"))
  var processes: Int?

  @Option(
    help: ArgumentHelp("How long processes wait for one that does not answer.", valueName: "SECONDS"))
  var processTimeout = 600.0

  func validate() throws {
    guard (1...4096).contains(processes ?? 1) else { throw ValidationError("--processes is between 1 and 4096.") }
    guard processTimeout >= 1, processTimeout <= 1e6 else {
      throw ValidationError("--process-timeout is between 1 and 1000000 seconds.")
    }
  }

  /// How this process was started; nil for alone.
  /// - Throws: `ProcessGroupError`; `RunError` where the command is to start processes and is one of several itself.
  private func launch() throws -> Launch? {
    let launch = try Launch(ProcessInfo.processInfo.environment)
    if let launch, launch.launcher != .kindred, processes != nil {
      throw RunError("--processes: \(launch.launcher.rawValue) has started several processes already; leave it out")
    }
    return launch
  }

  /// Starts the processes that are to be started here and ends with them; comes back in a process that works itself.
  /// - Parameter arguments: what each is given beside the command's own, by its place among them.
  /// - Throws: `ProcessGroupError`; `RunError` where they cannot be started; `ExitCode` as they ended.
  func startOthers(_ arguments: (Rank) -> [String] = { _ in [] }) throws {
    if let launch = try launch() {
      guard launch.processesToStart > 1 else { return }
      try end(with: ProcessLauncher(launch), arguments)
    } else if let processes, processes > 1 {
      try end(with: ProcessLauncher(processes, timeout: processTimeout), arguments)
    }
  }

  private func end(with launcher: ProcessLauncher, _ arguments: (Rank) -> [String]) throws {
    throw ExitCode(try launcher.run(arguments))
  }

  /// The part of a recording that falls to this process, as `I/N`; nil for one alone.
  /// - Throws: `ProcessGroupError`.
  func part() throws -> String? { try launch().map { "\($0.rank.index + 1)/\($0.rank.count)" } }

  /// The processes that this one works with, met and found to be alike.
  /// - Parameter configurations: what they are to do, as YAML.
  /// - Throws: `ProcessGroupError`.
  func group(doing configurations: [Configuration], _ progress: RunProgress) throws -> ProcessGroup {
    guard let launch = try launch() else { return ProcessGroup() }
    let yaml = configurations.map { $0.yaml() }.joined(separator: "\n")
    let meeting = try Meeting(
      launch,
      facts: [
        "version of Kindred": kindredVersion, "libtorch": Runtime.version, "binary": try Membership.binary(),
        "command": CommandLine.arguments.dropFirst().first ?? "",
        "configuration": String(Digest.sha256.hex(of: Array(yaml.utf8)).prefix(12)),
      ], timeout: processTimeout, onWaiting: progress.message)
    Membership.join(meeting.group)
    chooseDevice(meeting.group.local)
    progress.message(description(of: meeting, launch))
    return meeting.group
  }

  /// Each process sees one CUDA device, its own, as the first. Before CUDA is asked anything.
  private func chooseDevice(_ local: Rank) {
    guard local.count > 1 else { return }
    let name = "CUDA_VISIBLE_DEVICES"
    let visible = ProcessInfo.processInfo.environment[name]?.split(separator: ",").map(String.init)
    // A launcher may have dealt them out already.
    if let visible, visible.count == 1 { return }
    let own = visible.map { local.index < $0.count ? $0[local.index] : "" } ?? "\(local.index)"
    setenv(name, own, 1)
  }

  private func description(of meeting: Meeting, _ launch: Launch) -> String {
    let (count, machines) = (meeting.group.rank.count, meeting.machines)
    let threads = Runtime.usualThreadCount(processes: meeting.group.local.count)
    let places = machines == 1 ? "this machine" : "\(machines) machines"
    let line =
      "\(count) processes on \(places) (\(launch.launcher.rawValue)), \(threads) "
      + "\(threads == 1 ? "thread" : "threads") each"
    // torchrun sets it where nobody has, for programs that would take all cores in each process.
    let isLimited = ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] == "1"
    guard launch.launcher == .torchrun, isLimited, threads > 1 else { return line }
    return line + "; OMP_NUM_THREADS=1, which torchrun sets, is not heeded: training.threads says otherwise"
  }
}

/// What other processes hear of this one's end.
enum Membership {
  private static let current = Mutex<ProcessGroup?>(nil)
  private static var group: ProcessGroup? { current.withLock { $0 } }

  /// This process works with others from now on.
  static func join(_ group: ProcessGroup) {
    if group.isShared { current.withLock { $0 = group } }
  }

  /// Whether this process speaks for all.
  static var isFirst: Bool { group?.rank.isFirst ?? true }

  /// Takes leave of the others at a regular end.
  /// - Throws: `ProcessGroupError`.
  static func leave() throws {
    try group?.leave()
    current.withLock { $0 = nil }
  }

  /// Tells the others why this process ends. Returns whether it is this process that says it: not where the first one says
  /// the same, or has ended first.
  static func tell(_ error: any Error, _ text: String) -> Bool {
    writeErrorFile(text)
    guard let group else { return true }
    return group.end(of: text, isOthers: error is ProcessGroupError)
  }

  /// What torchrun reads to say why a process failed.
  private static func writeErrorFile(_ text: String) {
    guard let path = ProcessInfo.processInfo.environment["TORCHELASTIC_ERROR_FILE"], !path.isEmpty else { return }
    let now = "\(Int(Date().timeIntervalSince1970))"
    let message: [String: Any] = ["message": text, "extraInfo": ["timestamp": now]]
    let data = try? JSONSerialization.data(withJSONObject: ["message": message])
    try? data?.write(to: URL(filePath: path))
  }

  /// A short digest of this program.
  /// - Throws: `DataError` where it cannot be read.
  static func binary() throws -> String {
    String(try Digest.sha256.hex(of: URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()).prefix(12))
  }
}
