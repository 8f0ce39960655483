// Where processes meet: a small table that one of them serves.

import CTorch
import Foundation

/// A table of short values that one process serves over the network and all others reach: c10d's `TCPStore`.
///
/// It is for meeting and for messages; tensors go from process to process without it. A connection belongs to one thread.
public final class TCPStore: @unchecked Sendable {
  /// Where it is served: a host's name or address.
  public let host: String
  /// The port, also where the system was left to choose it.
  public let port: Int
  let handle: ct_store
  private let timeout: Double
  /// Whether this process serves it.
  let isServed: Bool
  /// What stands before each key in the whole table.
  private let prefix: String

  /// Serves a table from this process until it is freed.
  /// - Parameters:
  ///   - host: how others reach this machine.
  ///   - port: 0 lets the system choose one.
  ///   - timeout: how long a reader waits, in seconds.
  /// - Throws: `ProcessGroupError` where the port is taken.
  public convenience init(serving host: String, port: Int = 0, timeout: Double = 600) throws {
    guard let handle = ct_store_serve(host, Int32(port), timeout) else {
      let reason = lastReason()
      let isTaken = reason.contains("in use") || reason.contains("EADDRINUSE")
      throw ProcessGroupError(
        isTaken
          ? "port \(port) is taken on this machine; choose another one (MASTER_PORT)"
          : "port \(port) cannot be listened on: \(reason)")
    }
    self.init(handle, host: host, port: Int(ct_store_port(handle)), timeout, isServed: true, prefix: "")
  }

  /// Reaches the table of another process, waiting until it is served.
  /// - Throws: `ProcessGroupError` where nobody serves one there.
  public convenience init(connectingTo host: String, port: Int, timeout: Double = 600) throws {
    guard let handle = ct_store_connect(host, Int32(port), timeout) else {
      throw ProcessGroupError(
        "nobody answers at \(host):\(port), where the processes meet; is rank 0 running, and is that its address?")
    }
    self.init(handle, host: host, port: port, timeout, isServed: false, prefix: "")
  }

  private init(_ handle: ct_store, host: String, port: Int, _ timeout: Double, isServed: Bool, prefix: String) {
    (self.handle, self.host, self.port, self.timeout) = (handle, host, port, timeout)
    (self.isServed, self.prefix) = (isServed, prefix)
  }

  deinit { ct_store_free(handle) }

  /// The part of the table whose keys begin with a prefix.
  /// - Throws: `ProcessGroupError`.
  public func under(_ prefix: String) throws -> TCPStore {
    guard let part = ct_store_prefixed(handle, prefix) else { throw lost() }
    return TCPStore(part, host: host, port: port, timeout, isServed: isServed, prefix: self.prefix + prefix)
  }

  /// Another connection to the same part of the table, for another thread.
  /// - Throws: `ProcessGroupError`.
  func connectedAgain() throws -> TCPStore {
    let whole = try TCPStore(connectingTo: host, port: port, timeout: timeout)
    return prefix.isEmpty ? whole : try whole.under(prefix)
  }

  /// Writes a value under a key.
  /// - Throws: `ProcessGroupError` where the table is gone.
  public func set(_ key: String, _ value: Data) throws {
    let status = value.withUnsafeBytes { ct_store_set(handle, key, $0.baseAddress, $0.count) }
    if status != 0 { throw lost() }
  }

  /// A key's value, waiting for it.
  /// - Parameters:
  ///   - key: where it stands.
  ///   - timeout: in seconds; nil for the store's own.
  /// - Throws: `ProcessGroupError` where nobody writes it in time, or the table is gone.
  public func value(of key: String, timeout: Double? = nil) throws -> Data {
    var value = Data()
    let status = withUnsafeMutablePointer(to: &value) { value in
      ct_store_get(
        handle, key, timeout ?? self.timeout,
        { taker, bytes, count in
          guard let taker, let bytes else { return }
          taker.assumingMemoryBound(to: Data.self).pointee = Data(bytes: bytes, count: count)
        }, value)
    }
    if status != 0 { throw lost() }
    return value
  }

  /// Whether there is a value under a key.
  /// - Throws: `ProcessGroupError` where the table is gone.
  public func has(_ key: String) throws -> Bool {
    var has = false
    if ct_store_has(handle, key, &has) != 0 { throw lost() }
    return has
  }

  /// Adds to the number under a key, 0 at first.
  /// - Returns: the sum.
  /// - Throws: `ProcessGroupError` where the table is gone.
  @discardableResult public func add(_ amount: Int, to key: String) throws -> Int {
    var sum: Int64 = 0
    if ct_store_add(handle, key, Int64(amount), &sum) != 0 { throw lost() }
    return Int(sum)
  }

  private func lost() -> ProcessGroupError {
    ProcessGroupError("the store at \(host):\(port), where the processes meet, does not answer: \(lastReason())")
  }
}

/// Processes that cannot work together, or cannot any more: one line.
public struct ProcessGroupError: Error, CustomStringConvertible, Sendable {
  public let description: String

  package init(_ description: String) { self.description = description }
}
