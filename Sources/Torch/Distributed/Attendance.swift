// Who of several processes is still there: so that a message can name the one that is not.

import Foundation
import Synchronization

/// Each process gives a sign of life every second, and says why it fails before it ends.
final class Attendance: Sendable {
  private static let interval = 1.0
  /// Whoever gives no sign for so long is gone.
  private static let patience = 5.0
  /// What fails in all processes takes them so long at most to fail in each.
  private static let spread = 10.0

  /// Whoever does not answer the store's questions for so long is out of reach.
  private static let reach = 20.0

  private let store: TCPStore
  private let rank: Rank
  private let beating: Beating
  /// Whether the store did not answer: nobody asks it any more.
  private let isLost = Atomic(false)

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

  /// Says why this process ends. Returns whether it should be said to people too.
  func end(of failure: String, isOthers: Bool) -> Bool {
    let first = reached { [self] () -> String? in
      let first = rank.isFirst ? nil : waited(Attendance.spread) { try words(of: 0) }
      try store.set(Attendance.failed(rank.index), Data(failure.utf8))
      // The others look for the first one's words in the store that it serves.
      if rank.isFirst, store.isServed { _ = waited(Attendance.spread) { try haveAllSpoken() ? true : nil } }
      return first
    }
    return first.flatMap { $0 }.map { $0 != failure && !isOthers } ?? true
  }

  private func haveAllSpoken() throws -> Bool {
    try (1..<rank.count).allSatisfy { try store.has(Attendance.failed($0)) }
  }

  /// What the store answers; nil where it is out of reach. A cut line does not end a question by itself.
  private func reached<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Value? {
    guard !isLost.load(ordering: .relaxed) else { return nil }
    let (answer, isThere) = (Answer<Value>(), DispatchSemaphore(value: 0))
    let thread = Thread {
      answer.set(try? body())
      isThere.signal()
    }
    thread.start()
    guard isThere.wait(timeout: .now() + Attendance.reach) == .success else {
      isLost.store(true, ordering: .relaxed)
      return nil
    }
    return answer.value
  }

  /// What comes within so many seconds; nil where nothing does.
  private func waited<Value>(_ seconds: Double, _ body: () throws -> Value?) -> Value? {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      do {
        if let value = try body() { return value }
      } catch {
        return nil
      }
      Thread.sleep(forTimeInterval: 0.05)
    }
    return nil
  }

  /// Gives no more signs. Whoever serves the store stays until the others have gone.
  func leave() {
    beating.stop()
    _ = reached { [self] in
      try store.add(1, to: "left")
      if store.isServed { _ = waited(Attendance.patience) { try store.add(0, to: "left") < rank.count ? nil : true } }
    }
  }

  /// Why an exchange failed: what another process said before it ended, or who gives no sign of life any more.
  func explanation(of reason: String) -> ProcessGroupError {
    let found = reached { [self] in
      let before = try beats()
      if let failure = waited(Attendance.patience, { try anyFailure() }) { return failure }
      let missing = zip(before, try beats()).enumerated().filter { $1.0 == $1.1 && $0 != rank.index }.map(\.offset)
      guard !missing.isEmpty else { return "the processes lost each other: \(reason)" }
      return "\(ranks(missing)) of \(rank.count) \(missing.count == 1 ? "does" : "do") not answer any more"
    }
    let lost = "the store at \(store.host):\(store.port), where the processes meet, does not answer any more"
    return ProcessGroupError(found ?? lost)
  }

  /// What another thread found.
  private final class Answer<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? { content.withLock { $0 } }
    func set(_ value: Value?) { content.withLock { $0 = value } }
  }

  private func anyFailure() throws -> String? {
    for index in 0..<rank.count where index != rank.index {
      if let failure = try words(of: index) { return index == 0 ? failure : "rank \(index): \(failure)" }
    }
    return nil
  }

  private func words(of rank: Int) throws -> String? {
    guard try store.has(Attendance.failed(rank)) else { return nil }
    return String(decoding: try store.value(of: Attendance.failed(rank)), as: UTF8.self)
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
