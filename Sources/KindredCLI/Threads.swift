// Makes ready for work on several threads, before there is any.

import Foundation
import KindredExperiments
import KindredReport
import Torch

enum Threads {
  /// Starts this process anew with threads that wait patiently, unless the environment says how they wait.
  ///
  /// OpenMP's threads wait for one another by spinning, for milliseconds: where other programs want the cores, a step's hundreds
  /// of waits then take ten times as long as its work. libgomp reads how long from the environment when it is loaded, which is
  /// before `main`.
  /// - Parameter count: how many there will be; 0 for the usual number.
  static func prepare(_ count: Int = 0) {
    let environment = ProcessInfo.processInfo.environment
    guard (count > 0 ? count : Runtime.usualThreadCount()) > 1, environment["GOMP_SPINCOUNT"] == nil,
      environment["OMP_WAIT_POLICY"] == nil
    else { return }
    setenv("GOMP_SPINCOUNT", "1000", 1)
    // Where that cannot be, it goes on with threads that spin.
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }

  /// Says so where others take the cores that are wanted; nil where there is nothing to say.
  static func remark(wanting count: Int) -> String? {
    guard let taken = Runtime.coresInUse() else { return nil }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    guard Double(cores) - taken < Double(count) - 0.5 else { return nil }
    let advice = count > 1 ? "; --threads 1 may be faster then" : ""
    return
      "other programs take \(Format.decimal(taken, places: 1)) of \(cores) cores: this takes longer than alone\(advice)"
  }
}
