// Starts this very command several times and waits for all: what torchrun does, without Python.

import Files
import Foundation
import KindredExperiments
import KindredReport
import Torch

/// Processes of this command on this machine.
struct ProcessLauncher {
  /// How long the others may take to notice that one has failed, before they are asked to end and then made to.
  private static let patience = (toNotice: 20.0, toEnd: 20.0)

  private let ranks: [Rank]
  private let host: String
  private let port: Int
  /// Where they meet, unless one of them serves it.
  private let store: TCPStore?

  /// So many processes, which meet here.
  /// - Throws: `ProcessGroupError`.
  init(_ count: Int, timeout: Double) throws {
    let store = try TCPStore(serving: "127.0.0.1", timeout: timeout)
    (self.store, host, port) = (store, store.host, store.port)
    ranks = (0..<count).map { Rank($0, of: count) }
  }

  /// This machine's share of the processes of a launch.
  init(_ launch: Launch) {
    (store, host, port) = (nil, launch.host, launch.port)
    ranks = (0..<launch.processesToStart).map { Rank(launch.rank.index + $0, of: launch.rank.count) }
  }

  /// Runs all to their end, and hands on the signals that this process gets.
  /// - Parameter arguments: what each is given beside this command's own.
  /// - Returns: the exit status of the first of them that failed, else 0.
  /// - Throws: `RunError` where one cannot be started.
  func run(_ arguments: (Rank) -> [String]) throws -> Int32 {
    StopRequest.listen()
    var children: [Process] = []
    do {
      for (index, rank) in ranks.enumerated() {
        children.append(try start(rank, local: Rank(index, of: ranks.count), arguments(rank)))
      }
    } catch {
      // They would wait for those that never come.
      send(SIGKILL, to: children)
      throw error
    }
    wait(for: children)
    for (rank, child) in zip(ranks, children) where child.terminationReason == .uncaughtSignal {
      note("rank \(rank.index) of \(rank.count) was ended by signal \(child.terminationStatus)")
    }
    let statuses = children.map { $0.terminationReason == .exit ? $0.terminationStatus : 128 + $0.terminationStatus }
    return statuses.first { $0 != 0 } ?? 0
  }

  private func start(_ rank: Rank, local: Rank, _ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = CommandLine.arguments.dropFirst() + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      Launch.variables(of: rank, local: local, meetingAt: host, port: port, isServed: store != nil)
    ) { $1 }
    process.standardInput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw RunError("a process cannot be started: \(systemReason(error))")
    }
    return process
  }

  private func wait(for children: [Process]) {
    var signals = 0
    var failed: ContinuousClock.Instant?
    var isAsked = false
    while children.contains(where: \.isRunning) {
      usleep(20_000)
      while signals < StopRequest.count {
        signals += 1
        send(SIGTERM, to: children)
      }
      let hasFailed = children.contains { !$0.isRunning && $0.terminationStatus != 0 }
      if failed == nil, hasFailed { failed = .now }
      guard let failed, signals == 0 else { continue }
      let passed = (.now - failed) / .seconds(1)
      if passed > Self.patience.toNotice, !isAsked {
        send(SIGTERM, to: children)
        isAsked = true
      }
      if passed > Self.patience.toNotice + Self.patience.toEnd { send(SIGKILL, to: children) }
    }
  }

  private func send(_ signal: Int32, to children: [Process]) {
    for child in children where child.isRunning { kill(child.processIdentifier, signal) }
  }
}
