// A web server for the download tests: a few lines over sockets, on 127.0.0.1, one connection at a time.

import Foundation

@testable import KindredVision

/// Answers each request through a closure and remembers the requests.
final class LocalServer: @unchecked Sendable {
  struct Request: Sendable, Equatable {
    let path: String
    /// The first byte asked for, if there is a `Range` header.
    let start: Int?
  }

  struct Reply: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// Bytes after which the connection is cut; `Content-Length` still promises all.
    var cutAfter: Int?
    /// Whether the connection then stays open, and nothing more comes.
    var stalls = false

    /// A file the way a server with ranges gives it.
    static func file(_ bytes: [UInt8], from start: Int?, cutAfter: Int? = nil) -> Reply {
      guard let start else { return Reply(body: bytes, cutAfter: cutAfter) }
      guard start < bytes.count else { return Reply(status: 416, headers: ["Content-Range": "bytes */\(bytes.count)"]) }
      let range = "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"
      return Reply(status: 206, headers: ["Content-Range": range], body: Array(bytes[start...]), cutAfter: cutAfter)
    }
  }

  private let listener: Int32
  private let port: UInt16
  private let answer: @Sendable (Request) -> Reply
  private let lock = NSLock()
  // Touched only while `lock` is locked.
  private var seen: [Request] = []

  init(answer: @escaping @Sendable (Request) -> Reply) throws {
    self.answer = answer
    #if canImport(Darwin)
      listener = socket(AF_INET, SOCK_STREAM, 0)
    #else
      listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    guard isBound else { throw DataError("no server on 127.0.0.1: \(String(cString: strerror(errno)))") }
    port = UInt16(bigEndian: address.sin_port)
    let thread = Thread { [self] in serve() }
    thread.start()
  }

  /// The address of the server's root.
  var base: URL { URL(string: "http://127.0.0.1:\(port)/")! }

  var requests: [Request] { lock.withLock { seen } }

  /// Ends the server; to be called once.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      if let request = readRequest(connection) {
        lock.withLock { seen.append(request) }
        send(answer(request), to: connection)
      }
      close(connection)
    }
  }

  private func readRequest(_ connection: Int32) -> Request? {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !text.contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    let lines = text.components(separatedBy: "\r\n")
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    return Request(
      path: lines[0].components(separatedBy: " ")[1],
      start: range.flatMap { Int($0.components(separatedBy: "=")[1].dropLast()) })
  }

  private func send(_ reply: Reply, to connection: Int32) {
    var head = "HTTP/1.1 \(reply.status) Reply\r\nConnection: close\r\nContent-Length: \(reply.body.count)\r\n"
    for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
    var rest = Array((head + "\r\n").utf8) + reply.body.prefix(reply.cutAfter ?? reply.body.count)
    while !rest.isEmpty {
      #if canImport(Darwin)
        let sent = Foundation.send(connection, rest, rest.count, 0)
      #else
        let sent = Foundation.send(connection, rest, rest.count, Int32(MSG_NOSIGNAL))
      #endif
      guard sent > 0 else { return }
      rest.removeFirst(sent)
    }
    if !reply.stalls { shutdown(connection, Int32(SHUT_WR)) }
    // Closing with unread input would reset the connection and could take sent bytes with it.
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while recv(connection, &buffer, buffer.count, 0) > 0 {}
  }
}
