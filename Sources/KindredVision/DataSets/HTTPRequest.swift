// One request over HTTP, by libcurl: what the server answers, byte for byte as it is sent.

import CCurl
import Foundation

/// A request for a file from some byte on. To be performed once.
final class HTTPRequest {
  /// Made ready once, as libcurl wants it.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  private let patience: Int
  private let transfer: UnsafeMutableRawPointer
  private let headers: UnsafeMutablePointer<curl_slist>?
  private var reason = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
  private var take: ((UnsafeRawBufferPointer) -> Bool)?
  /// What the server said of the part that it sends.
  private(set) var contentRange: ContentRange?

  /// - Parameters:
  ///   - start: the first byte to ask for.
  ///   - patience: the seconds without a byte, or without a connection, after which the server is given up.
  init(_ address: URL, from start: Int, patience: Int) {
    guard HTTPRequest.isReady, let transfer = curl_easy_init() else { preconditionFailure("libcurl does not start") }
    self.transfer = transfer
    self.patience = patience
    // Compressed files are wanted as they are, whatever a server believes them to be.
    headers = curl_slist_append(nil, "Accept-Encoding: identity")
    curl_set_number(transfer, CURLOPT_HTTP_CONTENT_DECODING, 0)
    curl_set_pointer(transfer, CURLOPT_HTTPHEADER, headers)
    curl_set_text(transfer, CURLOPT_URL, address.absoluteString)
    curl_set_text(transfer, CURLOPT_USERAGENT, "kindred")
    if start > 0 { curl_set_text(transfer, CURLOPT_RANGE, "\(start)-") }
    curl_set_number(transfer, CURLOPT_FOLLOWLOCATION, 1)
    curl_set_number(transfer, CURLOPT_MAXREDIRS, 10)
    curl_allow_only_web(transfer)
    // Where a system keeps its certificates elsewhere than the one that libcurl was built on.
    if let file = ProcessInfo.processInfo.environment["SSL_CERT_FILE"] {
      curl_set_text(transfer, CURLOPT_CAINFO, file)
    }
    curl_set_number(transfer, CURLOPT_CONNECTTIMEOUT, patience)
    curl_set_number(transfer, CURLOPT_LOW_SPEED_LIMIT, 1)
    curl_set_number(transfer, CURLOPT_LOW_SPEED_TIME, patience)
    // The program's signals are its own.
    curl_set_number(transfer, CURLOPT_NOSIGNAL, 1)
  }

  deinit {
    curl_easy_cleanup(transfer)
    curl_slist_free_all(headers)
  }

  /// Returns when the server has sent everything, or `take` does not want more.
  /// - Parameter take: gets what is sent, piece by piece.
  /// - Returns: why it ended before all was there, in plain words; nil where it did not.
  func perform(_ take: @escaping (UnsafeRawBufferPointer) -> Bool) -> String? {
    self.take = take
    defer { self.take = nil }
    let own = Unmanaged.passUnretained(self).toOpaque()
    curl_set_pointer(transfer, CURLOPT_WRITEDATA, own)
    curl_set_callback(transfer, CURLOPT_WRITEFUNCTION) { bytes, size, count, request in
      let request = Unmanaged<HTTPRequest>.fromOpaque(request!).takeUnretainedValue()
      let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return request.take?(piece) == true ? size * count : 0
    }
    curl_set_pointer(transfer, CURLOPT_HEADERDATA, own)
    curl_set_callback(transfer, CURLOPT_HEADERFUNCTION) { bytes, size, count, request in
      let request = Unmanaged<HTTPRequest>.fromOpaque(request!).takeUnretainedValue()
      request.read(header: String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self))
      return size * count
    }
    let code = reason.withUnsafeMutableBufferPointer { reason in
      curl_set_pointer(transfer, CURLOPT_ERRORBUFFER, reason.baseAddress)
      defer { curl_set_pointer(transfer, CURLOPT_ERRORBUFFER, nil) }
      return curl_easy_perform(transfer)
    }
    return words(for: code)
  }

  /// The server's answer; 0 where there was none.
  var status: Int {
    var status = 0
    curl_get_number(transfer, CURLINFO_RESPONSE_CODE, &status)
    return status
  }

  /// The bytes that the server says it sends; nil where it does not say.
  var contentLength: Int? {
    let length = size(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
    return length >= 0 ? length : nil
  }

  private func size(_ info: CURLINFO) -> Int {
    var value: curl_off_t = 0
    curl_get_size(transfer, info, &value)
    return Int(value)
  }

  private func read(header: String) {
    // Each answer begins with its status, those that send elsewhere too.
    if header.hasPrefix("HTTP/") { contentRange = nil }
    let parts = header.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "content-range" else { return }
    contentRange = ContentRange(parts[1].trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private func words(for code: CURLcode) -> String? {
    switch code {
    case CURLE_OK: return nil
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING: return "the connection was closed"
    case CURLE_OPERATION_TIMEDOUT where size(CURLINFO_CONNECT_TIME_T) == 0:
      return "there was no connection within \(patience) s"
    case CURLE_SSL_CACERT_BADFILE:
      return
        "this system has no certificates to know servers by: install its package ca-certificates, or name a file of them "
        + "in SSL_CERT_FILE"
    case CURLE_OPERATION_TIMEDOUT: return "the server sent nothing for \(patience) s"
    default:
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      return text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
    }
  }
}

/// The header `Content-Range: bytes 5-9/10`, or `bytes */10` when nothing is sent.
struct ContentRange {
  let start: Int?
  let total: Int?

  init?(_ value: String) {
    let parts = value.replacing("bytes ", with: "").split(separator: "/")
    guard parts.count == 2 else { return nil }
    start = parts[0].split(separator: "-").first.flatMap { Int($0) }
    total = Int(parts[1])
  }
}
