// Several processes that train one network: what they sum up and gather over all of them.

import CTorch
import Foundation

/// Processes that do the same with different rows of a batch, and exchange tensors: c10d's process group, Gloo for tensors on
/// the CPU and NCCL for those on CUDA devices. One process alone is a group of one, to which all of this costs nothing.
///
/// All of them make the same calls in the same order. A group belongs to the thread that works with it.
public final class ProcessGroup: @unchecked Sendable {
  /// Which of the processes this one is.
  public let rank: Rank
  /// Which of those on its machine.
  public let local: Rank
  /// nil for a process alone.
  private let members: Members?
  /// What was exchanged so far.
  public private(set) var traffic = Traffic()

  /// What a process has exchanged with others.
  public struct Traffic: Sendable {
    /// The bytes of the tensors that it put into sums and gathers.
    public fileprivate(set) var bytes = 0
    /// How long it waited for exchanges to end.
    public fileprivate(set) var seconds = 0.0
  }

  /// Why an exchange failed: after it there are no others.
  private var failure: ProcessGroupError?

  /// A process alone.
  public init() { (rank, local, members) = (.only, .only, nil) }

  /// Meets the other processes in a store, and waits until all are there.
  /// - Parameters:
  ///   - store: the same for all, and of no other group.
  ///   - rank: which one this is.
  ///   - local: which one of those on its machine.
  ///   - address: this machine's, as the others reach it; empty for what its name resolves to.
  ///   - timeout: how long one waits for the others in each exchange, in seconds.
  /// - Throws: `ProcessGroupError`.
  public init(
    _ store: TCPStore, rank: Rank, local: Rank = .only, address: String = "", timeout: Double = 600
  ) throws {
    (self.rank, self.local) = (rank, local)
    let meeting = try store.under("gloo/")
    let made = withExtendedLifetime(meeting) {
      ct_group_gloo(meeting.handle, Int32(rank.index), Int32(rank.count), address, timeout)
    }
    guard let handle = made else {
      throw ProcessGroupError("the processes cannot reach each other: \(lastReason())")
    }
    members = Members(gloo: handle, store, rank, try Attendance(store, rank), timeout)
  }

  /// What there is beyond a process alone.
  private final class Members {
    let attendance: Attendance
    private let gloo: ct_group
    private var nccl: ct_group?
    private let store: TCPStore
    private let rank: Rank
    private let timeout: Double

    init(gloo: ct_group, _ store: TCPStore, _ rank: Rank, _ attendance: Attendance, _ timeout: Double) {
      (self.gloo, self.store, self.rank, self.attendance, self.timeout) = (gloo, store, rank, attendance, timeout)
    }

    deinit {
      ct_group_free(gloo)
      if let nccl { ct_group_free(nccl) }
    }

    /// What exchanges tensors on a device.
    /// - Throws: `ProcessGroupError` where there is nothing for CUDA devices.
    func handle(for device: Device) throws -> ct_group {
      guard device != .cpu else { return gloo }
      if let nccl { return nccl }
      let meeting = try store.under("nccl/")
      let made = withExtendedLifetime(meeting) {
        ct_group_nccl(meeting.handle, Int32(rank.index), Int32(rank.count), timeout)
      }
      guard let made else { throw ProcessGroupError("the devices cannot reach each other: \(lastReason())") }
      nccl = made
      return made
    }
  }

  /// Whether there are other processes.
  public var isShared: Bool { members != nil }

  /// What of all ranks' values comes of a reduction.
  public enum Reduction: Sendable {
    case sum, maximum
  }

  /// Begins to replace a contiguous tensor by the sum, or another reduction, of all ranks'.
  /// - Throws: `ProcessGroupError`.
  public func beginAllReduce(_ tensor: Tensor, _ reduction: Reduction = .sum) throws -> Exchange {
    try begin([tensor]) { ct_group_all_reduce($0, tensor.handle, reduction == .maximum) }
  }

  /// Replaces a contiguous tensor by the sum, or another reduction, of all ranks'.
  /// - Throws: `ProcessGroupError`.
  public func allReduce(_ tensor: Tensor, _ reduction: Reduction = .sum) throws {
    try beginAllReduce(tensor, reduction).wait()
  }

  /// All ranks' tensors, which must be of one shape, one after another along a new first axis.
  /// - Throws: `ProcessGroupError`.
  public func allGather(_ tensor: Tensor) throws -> Tensor {
    try withoutGradients {
      let own = tensor.detached().contiguous().reshaped([-1])
      guard isShared else { return own.reshaped([1] + tensor.shape) }
      let all = Tensor.empty([rank.count * own.count], dtype: own.dtype, device: own.device)
      try begin([own, all]) { ct_group_all_gather($0, all.handle, own.handle) }.wait()
      return all.reshaped([rank.count] + tensor.shape)
    }
  }

  /// Replaces a tensor by the first rank's.
  /// - Throws: `ProcessGroupError`.
  public func broadcast(_ tensor: Tensor) throws {
    guard isShared else { return }
    try withoutGradients {
      let sent = tensor.detached().contiguous()
      try begin([sent]) { ct_group_broadcast($0, sent.handle, 0) }.wait()
      if !rank.isFirst { tensor.copyInPlace(sent) }
    }
  }

  /// Waits until all have come as far.
  /// - Throws: `ProcessGroupError`.
  public func barrier() throws { try begin([]) { ct_group_barrier($0) }.wait() }

  private func begin(_ tensors: [Tensor], _ start: (ct_group) -> ct_work?) throws -> Exchange {
    guard let members else { return Exchange(nil, tensors, self) }
    try requireWhole()
    if let own = tensors.first { traffic.bytes += own.count * own.dtype.byteCount }
    let handle = try members.handle(for: tensors.first?.device ?? .cpu)
    guard let work = start(handle) else { throw failed(lastReason()) }
    return Exchange(work, tensors, self)
  }

  /// - Throws: `ProcessGroupError` where an exchange has failed.
  func requireWhole() throws {
    if let failure { throw failure }
  }

  /// Lets the others hear why this process ends. Returns whether it should say so itself: not where the first one says the
  /// same, nor where it ends because of others.
  /// - Parameters:
  ///   - failure: in words.
  ///   - isOthers: whether it is an exchange with the others that failed.
  public func end(of failure: String, isOthers: Bool) -> Bool {
    guard let members else { return true }
    return members.attendance.end(of: failure, isOthers: isOthers)
  }

  /// Waits for the others and takes leave of them: whoever ends after this is not missed.
  /// - Throws: `ProcessGroupError`.
  public func leave() throws {
    try barrier()
    members?.attendance.leave()
  }

  fileprivate func count(waiting: Duration) { traffic.seconds += waiting / .seconds(1) }

  /// An exchange that failed, in words that name who is missing.
  fileprivate func failed(_ reason: String) -> ProcessGroupError {
    let error = failure ?? members?.attendance.explanation(of: reason) ?? ProcessGroupError(reason)
    failure = error
    return error
  }
}

/// An exchange that is under way.
public final class Exchange {
  private var work: ct_work?
  /// Kept until it is done.
  private let tensors: [Tensor]
  private let group: ProcessGroup

  fileprivate init(_ work: ct_work?, _ tensors: [Tensor], _ group: ProcessGroup) {
    (self.work, self.tensors, self.group) = (work, tensors, group)
  }

  /// Waits until it is done.
  /// - Throws: `ProcessGroupError`, naming the rank that is missing.
  public func wait() throws {
    guard let work else { return }
    let start = ContinuousClock.now
    let isDone = ct_work_wait(work) == 0
    group.count(waiting: .now - start)
    let reason = isDone ? "" : lastReason()
    finish()
    if !isDone { throw group.failed(reason) }
  }

  private func finish() {
    if let work { ct_work_free(work) }
    work = nil
  }

  deinit { finish() }
}
