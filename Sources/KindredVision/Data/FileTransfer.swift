// One file over HTTP into a `.partial` file, going on where an earlier attempt stopped.

import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Fetches an address into a file that may already hold the beginning.
final class FileTransfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  // The session calls the delegate on one serial queue; `run` looks at the state only after the last call.
  private let address: URL
  private let file: URL
  private let progress: @Sendable (Int, Int?) -> Void
  private let isDone = DispatchSemaphore(value: 0)
  private var descriptor: Int32 = -1
  private var received = 0
  private var total: Int?
  private var status = 0
  private var failure: DataError?

  init(from address: URL, to file: URL, progress: @escaping @Sendable (_ received: Int, _ total: Int?) -> Void) {
    (self.address, self.file, self.progress) = (address, file, progress)
  }

  /// Returns when the file is complete, as far as the server's word goes.
  /// - Throws: `DataError`; what has come so far stays for the next attempt.
  func run() throws {
    try attempt()
    // The server has nothing from there on: the file is complete, or is not a beginning of this one.
    if status == 416, total != received {
      try truncateFile()
      try attempt()
    }
    guard status == 200 || status == 206 || (status == 416 && total == received) else {
      throw DataError("\(address.absoluteString): the server answered \(status)\(FileTransfer.meaning(of: status))")
    }
  }

  private func attempt() throws {
    descriptor = open(file.path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard descriptor >= 0 else { throw DataError("\(file.path): cannot be written: \(systemReason())") }
    defer { close(descriptor) }
    received = max(0, Int(lseek(descriptor, 0, SEEK_END)))
    (total, status, failure) = (nil, 0, nil)

    var request = URLRequest(url: address)
    // Without this the library would ask for compression, and undo it on files that are compressed themselves.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    if received > 0 { request.setValue("bytes=\(received)-", forHTTPHeaderField: "Range") }
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = 1
    let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: queue)
    session.dataTask(with: request).resume()
    isDone.wait()
    session.finishTasksAndInvalidate()
    if let failure { throw failure }
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw DataError("\(file.path): cannot be written: \(systemReason())")
    }
  }

  private func truncateFile() throws {
    guard truncate(file.path, 0) == 0 else { throw DataError("\(file.path): cannot be written: \(systemReason())") }
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    let reply = response as? HTTPURLResponse
    status = reply?.statusCode ?? 0
    switch status {
    case 206:
      guard let range = ContentRange(reply), range.start == received else {
        failure = DataError("\(address.absoluteString): the server sent another part than the one asked for")
        return completionHandler(.cancel)
      }
      total = range.total
    case 200:
      // The server sends the whole file, whatever was asked for.
      received = 0
      if ftruncate(descriptor, 0) != 0 && errno != EINVAL {
        failure = DataError("\(file.path): cannot be written: \(systemReason())")
        return completionHandler(.cancel)
      }
      total = response.expectedContentLength >= 0 ? Int(response.expectedContentLength) : nil
    default:
      total = ContentRange(reply)?.total
      return completionHandler(.cancel)
    }
    progress(received, total)
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    // What comes with any other status is a page for a person, not a part of the file.
    guard failure == nil, status == 200 || status == 206 else { return }
    guard write(data) else {
      failure = DataError(
        "\(file.path): cannot be written: \(systemReason()); run the command again to go on from byte \(received)")
      return dataTask.cancel()
    }
    progress(received, total)
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    let wasRefused = status != 0 && status != 200 && status != 206
    let isShort = total.map { received < $0 } ?? false
    if failure == nil, !wasRefused, error != nil || isShort {
      let reason = error?.localizedDescription ?? "the connection was closed"
      let size = total.map { " of \($0)" } ?? ""
      let advice = received > 0 ? "; run the command again to go on from there" : ""
      failure = DataError("\(address.absoluteString): \(reason), \(received)\(size) bytes received\(advice)")
    }
    isDone.signal()
  }

  private func write(_ data: Data) -> Bool {
    data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return false }
        rest = rest.dropFirst(written)
        received += written
      }
      return true
    }
  }

  private func systemReason() -> String { String(cString: strerror(errno)) }

  private static func meaning(of status: Int) -> String {
    switch status {
    case 401, 403: return " (not allowed)"
    case 404, 410: return " (not found)"
    case 429: return " (too many requests, try later)"
    case 500...599: return " (its own failure, try later)"
    default: return ""
    }
  }
}

/// The header `Content-Range: bytes 5-9/10`, or `bytes */10` when nothing is sent.
struct ContentRange {
  let start: Int?
  let total: Int?

  init?(_ response: HTTPURLResponse?) {
    guard let value = response?.value(forHTTPHeaderField: "Content-Range") else { return nil }
    let parts = value.replacingOccurrences(of: "bytes ", with: "").split(separator: "/")
    guard parts.count == 2 else { return nil }
    start = parts[0].split(separator: "-").first.flatMap { Int($0) }
    total = Int(parts[1])
  }
}
