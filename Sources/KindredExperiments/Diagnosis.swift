// What can be wrong with the machine or the installation.

import Foundation
import Torch

/// The checks behind `kindred doctor`.
package enum Diagnosis {
  /// One line for each thing that is wrong, with what to do about it.
  package static func problems() -> [String] {
    var problems: [String] = []
    let parts = Runtime.version.split(separator: ".").compactMap { Int($0) }
    if parts.count < 2 || parts[0] != 2 || !(11...15).contains(parts[1]) {
      problems.append("libtorch \(Runtime.version) is not one of 2.11 to 2.15; set LIBTORCH to one that is")
    }
    #if arch(x86_64)
      if !["AVX2", "AVX512"].contains(Runtime.cpuCapability) {
        problems.append("libtorch uses no vector instructions here (\(Runtime.cpuCapability)); training will be slow")
      }
    #endif
    if let folder = ProcessInfo.processInfo.environment["KINDRED_DATA"],
      !FileManager.default.fileExists(atPath: folder)
    {
      problems.append("KINDRED_DATA names \(folder), which does not exist")
    }
    return problems
  }
}
