// Who of several processes is still there: so that a message can name the one that is not.

import Foundation
import Synchronization

/// Each process gives a sign of life every second, and says why it fails before it ends.
final class Attendance: Sendable {
  private static let interval = 1.0
  /// Whoever gives no sign for so long is gone.
  private static let patience = 5.0

  private let store: TCPStore
  private let rank: Rank
  private let beating: Beating

  /// - Throws: `ProcessGroupError` where the store is gone.
  init(_ store: TCPStore, _ rank: Rank) throws {
    (self.store, self.rank) = (store, rank)
    beating = Beating()
    let (own, beating) = (try store.connectedAgain(), beating)
    // The thread holds what it needs and never this object, whose end stops it.
    let thread = Thread {
      while beating.goesOn {
        _ = try? own.add(1, to: Attendance.beat(rank.index))
        Thread.sleep(forTimeInterval: Attendance.interval)
      }
    }
    thread.name = "kindred.attendance"
    thread.start()
  }

  deinit { beating.stop() }

  private final class Beating: Sendable {
    private let isStopped = Atomic(false)

    var goesOn: Bool { !isStopped.load(ordering: .relaxed) }
    func stop() { isStopped.store(true, ordering: .relaxed) }
  }

  /// Says why this process ends.
  func announce(_ failure: String) { try? store.set(Attendance.failed(rank.index), Data(failure.utf8)) }

  /// Gives no more signs. Whoever serves the store stays until the others have gone.
  func leave() {
    beating.stop()
    _ = try? store.add(1, to: "left")
    guard rank.isFirst else { return }
    let end = ContinuousClock.now + .seconds(Attendance.patience)
    while ContinuousClock.now < end, let left = try? store.add(0, to: "left"), left < rank.count {
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// Why an exchange failed: what another process said before it ended, or who gives no sign of life any more.
  func explanation(of reason: String) -> ProcessGroupError {
    do {
      let before = try beats()
      let end = ContinuousClock.now + .seconds(Attendance.patience)
      while ContinuousClock.now < end {
        if let failure = try firstFailure() { return ProcessGroupError(failure) }
        Thread.sleep(forTimeInterval: 0.1)
      }
      let missing = zip(before, try beats()).enumerated().filter { $1.0 == $1.1 }.map(\.offset)
      guard !missing.isEmpty else { return ProcessGroupError("the processes lost each other: \(reason)") }
      let gone = missing.count == 1 ? "does not answer" : "do not answer"
      return ProcessGroupError("\(ranks(missing)) of \(rank.count) \(gone) any more")
    } catch {
      return ProcessGroupError("rank 0, which serves the store where the processes meet, does not answer any more")
    }
  }

  private func firstFailure() throws -> String? {
    for index in 0..<rank.count where index != rank.index {
      if try store.has(Attendance.failed(index)) {
        return "rank \(index): " + String(decoding: try store.value(of: Attendance.failed(index)), as: UTF8.self)
      }
    }
    return nil
  }

  private func beats() throws -> [Int] { try (0..<rank.count).map { try store.add(0, to: Attendance.beat($0)) } }

  private static func beat(_ rank: Int) -> String { "beat/\(rank)" }
  private static func failed(_ rank: Int) -> String { "failed/\(rank)" }
}

/// Ranks in words: "rank 2", "ranks 1 and 3".
func ranks(_ indices: [Int]) -> String {
  guard let last = indices.last else { return "no rank" }
  guard indices.count > 1 else { return "rank \(last)" }
  return "ranks " + indices.dropLast().map(String.init).joined(separator: ", ") + " and \(last)"
}
