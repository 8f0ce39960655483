// How processes come together: each says who it is, and the first one looks whether all are there and alike.

import Foundation

/// The processes of a launch, met.
public struct Meeting {
  /// What they exchange tensors with.
  public let group: ProcessGroup
  /// On how many machines they are.
  public let machines: Int
  /// Kept as long as the group: the first rank may serve it.
  private let store: TCPStore

  /// What a process says of itself.
  private struct Member: Codable {
    let machine: String
    let process: Int32
    /// What must be the same for all, such as the configuration, by what it is called in a message.
    let facts: [[String]]
  }

  /// What the first rank makes of it.
  private struct Verdict: Codable {
    var refusal: String?
    var machines: [String] = []
  }

  /// Waits for all processes of a launch, and compares what they are.
  /// - Parameters:
  ///   - launch: how this process was started.
  ///   - facts: what must be the same for all, by what it is called in a message; in order of importance.
  ///   - timeout: how long to wait, for the others now and in each exchange, in seconds.
  ///   - onWaiting: is told in words who has not come yet, when that takes longer than some seconds.
  /// - Throws: `ProcessGroupError` naming the rank that has not come, or what differs.
  public init(
    _ launch: Launch, facts: KeyValuePairs<String, String>, timeout: Double = 600,
    onWaiting: (String) -> Void = { _ in }
  ) throws {
    let rank = launch.rank
    let servesStore = rank.isFirst && !launch.isStoreServed
    let table =
      servesStore
      ? try TCPStore(serving: launch.host, port: launch.port, timeout: timeout)
      : try TCPStore(connectingTo: launch.host, port: launch.port, timeout: timeout)
    store = try table.under("kindred/\(launch.attempt)/")
    let own = Member(
      machine: ProcessInfo.processInfo.hostName, process: getpid(), facts: facts.map { [$0.key, $0.value] })
    try store.set(Meeting.member(rank.index), try JSONEncoder().encode(own))
    let verdict: Verdict
    if rank.isFirst {
      verdict = try Meeting.judge(store, rank, own, timeout, onWaiting)
      try store.set(Meeting.verdict, try JSONEncoder().encode(verdict))
    } else {
      // The first one's words, which come after its own waiting.
      verdict = try JSONDecoder().decode(
        Verdict.self, from: try store.value(of: Meeting.verdict, timeout: timeout + 30))
    }
    if let refusal = verdict.refusal {
      try Meeting.end(store, rank)
      throw ProcessGroupError(refusal)
    }
    let neighbours = verdict.machines.indices.filter { verdict.machines[$0] == own.machine }
    let local = Rank(neighbours.firstIndex(of: rank.index) ?? 0, of: max(neighbours.count, 1))
    machines = Set(verdict.machines).count
    group = try ProcessGroup(
      store, rank: rank, local: local, address: try NetworkAddress.own(towards: launch.host), timeout: timeout)
  }

  private static func judge(
    _ store: TCPStore, _ rank: Rank, _ own: Member, _ timeout: Double, _ onWaiting: (String) -> Void
  ) throws -> Verdict {
    let missing = try absent(store, rank, timeout, onWaiting)
    guard missing.isEmpty else {
      let have = missing.count == 1 ? "has" : "have"
      return Verdict(refusal: "\(ranks(missing)) of \(rank.count) \(have) not come within \(Int(timeout)) s")
    }
    let members = try (0..<rank.count).map { index in
      try JSONDecoder().decode(Member.self, from: try store.value(of: member(index)))
    }
    for (index, member) in members.enumerated() {
      for (fact, other) in zip(own.facts, member.facts) where fact != other {
        return Verdict(
          refusal: "rank \(index) on \(member.machine) has another \(fact[0]) than rank 0 (\(other[1]), not \(fact[1]))"
        )
      }
    }
    return Verdict(machines: members.map(\.machine))
  }

  /// Those who have not come in time.
  private static func absent(
    _ store: TCPStore, _ rank: Rank, _ timeout: Double, _ onWaiting: (String) -> Void
  ) throws -> [Int] {
    let start = ContinuousClock.now
    var missing = Array(0..<rank.count)
    var hasSpoken = false
    while true {
      missing = try missing.filter { !(try store.has(member($0))) }
      let waited = (ContinuousClock.now - start) / .seconds(1)
      guard !missing.isEmpty, waited < timeout else { return missing }
      if waited > 3, !hasSpoken {
        onWaiting("waiting for \(ranks(missing)) of \(rank.count)")
        hasSpoken = true
      }
      Thread.sleep(forTimeInterval: min(0.02 + waited / 20, 0.5))
    }
  }

  /// Whoever serves the store stays until those who came have read why nothing comes of it.
  private static func end(_ store: TCPStore, _ rank: Rank) throws {
    guard store.isServed else {
      try store.add(1, to: "read")
      return
    }
    let others = try (1..<rank.count).count { try store.has(member($0)) }
    let end = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < end, try store.add(0, to: "read") < others { Thread.sleep(forTimeInterval: 0.02) }
  }

  private static let verdict = "verdict"
  private static func member(_ rank: Int) -> String { "member/\(rank)" }
}
