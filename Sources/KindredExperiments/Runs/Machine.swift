// The machine that a run or a measurement was made on, as a report names it.

import Foundation
import Torch

/// A machine, as far as it explains numbers.
package struct Machine: Sendable, Codable, Hashable {
  /// As the system calls it.
  package let processor: String
  /// Without the second thread that some offer.
  package let cores: Int
  /// The threads of an operation.
  package let threads: Int
  /// What libtorch's kernels use, such as AVX512.
  package let vectors: String
  package let device: String

  /// This one.
  package init(device: Device) {
    processor = Self.line("model name", of: "/proc/cpuinfo") ?? "an unknown processor"
    (cores, threads, vectors) = (Runtime.physicalCoreCount, Runtime.threadCount, Runtime.cpuCapability)
    self.device = device == .cpu ? "cpu" : "cuda"
  }

  /// The largest memory that this process has had, in bytes; nil where the system does not say.
  package static var peakMemory: Int? {
    line("VmHWM", of: "/proc/self/status")?.split(separator: " ").first.flatMap { Int($0) }.map { $0 * 1024 }
  }

  /// What stands behind a name and a colon in a file of such lines.
  private static func line(_ name: String, of file: String) -> String? {
    let text = try? String(contentsOfFile: file, encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
  }
}
