// How many cores there are for this process, and how many of them are free.

import Foundation

extension Runtime {
  /// The processor's cores, without the second thread that some of them offer: as many threads as convolutions gain from.
  package static var physicalCoreCount: Int {
    let available = ProcessInfo.processInfo.activeProcessorCount
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return available }
    var cores: Set<String> = []
    var package = ""
    for line in text.split(separator: "\n") {
      if line.hasPrefix("physical id") { package = String(line) }
      if line.hasPrefix("core id") { cores.insert(package + line) }
    }
    return cores.isEmpty ? available : min(cores.count, available)
  }

  /// The cores that a container is allowed, by its quota of time; nil for no limit.
  package static var coreQuota: Int? {
    let own = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8))?
      .split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3)
    // The limits of the groups around a group hold for it too.
    var (group, quotas) = (URL(filePath: "/sys/fs/cgroup/\(own ?? "")"), [Int]())
    while group.path.hasPrefix("/sys/fs/cgroup") {
      if let line = try? String(contentsOf: group.appending(path: "cpu.max"), encoding: .utf8) {
        quotas += [quota(line)].compactMap(\.self)
      }
      group.deleteLastPathComponent()
    }
    return quotas.min()
  }

  /// What `cpu.max` says, such as `150000 100000`: microseconds of each so many. nil for `max`.
  package static func quota(_ line: String) -> Int? {
    let numbers = line.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count == 2, numbers[1] > 0 else { return nil }
    return max(1, Int((numbers[0] / numbers[1]).rounded(.up)))
  }

  /// The threads that `OMP_NUM_THREADS` asks for; nil where it is not set, or torchrun has set it, whose 1 nobody asked for.
  package static func askedThreadCount(_ environment: [String: String]) -> Int? {
    guard environment["TORCHELASTIC_RUN_ID"] == nil else { return nil }
    // A list is one number for each level of nesting.
    return environment["OMP_NUM_THREADS"]?.split(separator: ",").first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
  }

  /// The threads that a process uses where nothing else is said, of several on this machine.
  package static func usualThreadCount(processes: Int = 1) -> Int {
    if let asked = askedThreadCount(ProcessInfo.processInfo.environment) { return asked }
    let cores = min(physicalCoreCount, coreQuota ?? .max)
    return max(1, cores / processes)
  }

  /// How many cores' worth of time others take, looked at for a tenth of a second; nil where the system does not tell. The process
  /// itself is to do nothing in that time.
  package static func coresInUse() -> Double? {
    guard let before = coreTimes() else { return nil }
    usleep(100_000)
    guard let after = coreTimes(), after.all > before.all else { return nil }
    let share = 1 - Double(after.idle - before.idle) / Double(after.all - before.all)
    return share * Double(ProcessInfo.processInfo.activeProcessorCount)
  }

  private static func coreTimes() -> (idle: Int, all: Int)? {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let line = text.split(separator: "\n").first, line.hasPrefix("cpu ")
    else { return nil }
    let times = line.split(separator: " ").compactMap { Int($0) }
    guard times.count >= 5 else { return nil }
    return (times[3] + times[4], times.prefix(8).reduce(0, +))
  }
}
