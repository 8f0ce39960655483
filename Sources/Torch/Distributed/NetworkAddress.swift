// By which address the other processes reach this machine.

import Foundation

enum NetworkAddress {
  /// The address that this machine has on the way to a host: what its own name stands for may be known to nobody else.
  ///
  /// `GLOO_SOCKET_IFNAME` names a network interface instead, as for PyTorch.
  /// - Throws: `ProcessGroupError` where there is no way.
  static func own(towards host: String) throws -> String {
    if let name = ProcessInfo.processInfo.environment["GLOO_SOCKET_IFNAME"], !name.isEmpty {
      guard let address = ofInterface(name) else {
        throw ProcessGroupError("GLOO_SOCKET_IFNAME is '\(name)', and no network interface of that name has an address")
      }
      return address
    }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "9", &hints, &found) == 0, let first = found else {
      throw ProcessGroupError("'\(host)', where the processes meet, is the name of no machine")
    }
    defer { freeaddrinfo(found) }
    for entry in sequence(first: first, next: { $0.pointee.ai_next }) {
      if let address = local(to: entry.pointee) { return address }
    }
    throw ProcessGroupError("there is no way from here to \(host), where the processes meet")
  }

  /// Nothing is sent: connecting a datagram socket only chooses the way.
  private static func local(to remote: addrinfo) -> String? {
    let descriptor = socket(remote.ai_family, remote.ai_socktype, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard connect(descriptor, remote.ai_addr, remote.ai_addrlen) == 0 else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        getsockname(descriptor, address, &length) == 0 ? text(of: address, length) : nil
      }
    }
  }

  private static func ofInterface(_ name: String) -> String? {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0, let first = list else { return nil }
    defer { freeifaddrs(list) }
    for entry in sequence(first: first, next: { $0.pointee.ifa_next })
    where String(cString: entry.pointee.ifa_name) == name {
      guard let address = entry.pointee.ifa_addr else { continue }
      switch Int32(address.pointee.sa_family) {
      case AF_INET: return text(of: address, socklen_t(MemoryLayout<sockaddr_in>.size))
      case AF_INET6: return text(of: address, socklen_t(MemoryLayout<sockaddr_in6>.size))
      default: continue
      }
    }
    return nil
  }

  private static func text(of address: UnsafePointer<sockaddr>, _ length: socklen_t) -> String? {
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(address, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
