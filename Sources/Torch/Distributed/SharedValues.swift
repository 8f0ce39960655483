// What one process decides for all: whatever depends on files, of which only the first rank's count.

import Foundation

extension ProcessGroup {
  /// What the first rank's `body` gives, for all ranks; the others' is not run. Where it throws, all throw.
  /// - Throws: what `body` throws, on the other ranks in the same words as `ProcessGroupError`; `ProcessGroupError`.
  public func firstDecides<Value: Codable>(_ body: () throws -> Value) throws -> Value {
    guard isShared else { return try body() }
    guard rank.isFirst else { return try receive() }
    let value: Value
    do {
      value = try body()
    } catch {
      try send(Decision<Value>(value: nil, failure: "\(error)"))
      throw error
    }
    try send(Decision(value: value, failure: nil))
    return value
  }

  /// Has only the first rank do something; where it throws, all throw.
  /// - Throws: as `firstDecides`.
  public func firstDoes(_ body: () throws -> Void) throws {
    _ = try firstDecides {
      try body()
      return true
    }
  }

  private struct Decision<Value: Codable>: Codable {
    let value: Value?
    let failure: String?
  }

  private func send(_ decision: Decision<some Codable>) throws {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let bytes = [UInt8](try encoder.encode(decision))
    try broadcast(Tensor([Int64(bytes.count)], shape: [1]))
    try broadcast(Tensor(bytes, shape: [bytes.count]))
  }

  private func receive<Value: Codable>() throws -> Value {
    let count = Tensor.zeros([1], dtype: .int64)
    try broadcast(count)
    let bytes = Tensor.zeros([Int(count.item)], dtype: .uint8)
    try broadcast(bytes)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let decision = try decoder.decode(Decision<Value>.self, from: Data(bytes.bytes()))
    guard let value = decision.value else { throw ProcessGroupError(decision.failure ?? "rank 0 failed") }
    return value
  }

  /// Refuses to go on where a rank has something else than the first one.
  /// - Parameters:
  ///   - what: what it is called in the message.
  ///   - value: what is compared.
  /// - Throws: `ProcessGroupError` naming the last rank that differs, on all ranks.
  public func requireSame(_ what: String, _ value: String) throws {
    guard isShared else { return }
    let isOther = try firstDecides { value } != value
    let last = Tensor([isOther ? Float(rank.index) : 0], shape: [1])
    try allReduce(last, .maximum)
    guard last.item > 0 else { return }
    throw ProcessGroupError("rank \(Int(last.item)) has other \(what) than rank 0")
  }

  /// Whether any rank says yes, for all ranks.
  /// - Throws: `ProcessGroupError`.
  public func anySays(_ own: Bool) throws -> Bool {
    guard isShared else { return own }
    let flag = Tensor([own ? 1 : 0] as [Float], shape: [1])
    try allReduce(flag, .maximum)
    return flag.item > 0
  }
}

/// Whether any of several processes wants to stop, asked after every step without waiting for the answer.
public final class StopAgreement {
  private let group: ProcessGroup
  private var asked: (flag: Tensor, exchange: Exchange)?

  /// Among the processes of a group.
  public init(_ group: ProcessGroup) { self.group = group }

  /// Whether all stop now. What a rank says here counts the next time, so that its answer travels beside a step.
  /// - Throws: `ProcessGroupError`.
  public func isReached(_ own: Bool) throws -> Bool {
    guard group.isShared else { return own }
    try asked?.exchange.wait()
    let isReached = asked.map { $0.flag.item > 0 } ?? false
    let flag = Tensor([own ? 1 : 0] as [Float], shape: [1])
    asked = (flag, try group.beginAllReduce(flag, .maximum))
    return isReached
  }
}
