// What a process, or a piece of its work, needs of memory.

import Foundation

/// The most memory that this process has held, in MiB.
enum PeakMemory {
  /// Since the process began; unlike getrusage's figure without its parent's.
  static var resident: Double { mebibytes("VmHWM") ?? 0 }

  /// What `body` needs at its peak beyond what was held before; nil where the system does not tell.
  static func added(by body: () -> Void) -> Double? {
    // 5 begins the peak anew.
    let canBegin = (try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))) != nil
    let before = mebibytes("VmRSS")
    body()
    guard canBegin, let before, let peak = mebibytes("VmHWM") else { return nil }
    return peak - before
  }

  private static func mebibytes(_ key: String) -> Double? {
    let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix(key + ":") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }.map { $0 / 1024 }
  }
}
