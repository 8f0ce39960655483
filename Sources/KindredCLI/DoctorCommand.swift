// `kindred doctor`: what Kindred runs with here, and what is wrong with it.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport
import Torch

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show version, libtorch, processor, threads and devices, and what is wrong with any.")

  func run() throws {
    var table = TextTable([.text(""), .text("")])
    table.append(["kindred", kindredVersion])
    let folder = Runtime.libraryFolder.map { URL(filePath: $0).standardizedFileURL.path } ?? "an unknown folder"
    table.append(["libtorch", "\(Runtime.version) in \(folder)"])
    table.append(["vector instructions", Runtime.cpuCapability])
    table.append(["threads", threads])
    table.append(["cores in use", coresInUse])
    table.append(["devices", (["cpu"] + (0..<Runtime.cudaDeviceCount).map { "cuda:\($0)" }).joined(separator: ", ")])
    table.append(["data sets", ProcessInfo.processInfo.environment["KINDRED_DATA"] ?? "KINDRED_DATA is not set"])
    table.append(["processes", try processes()])
    output(table.text, terminator: "")
    let problems = Diagnosis.problems()
    output(problems.isEmpty ? "nothing is wrong" : problems.map { "problem: \($0)" }.joined(separator: "\n"))
    if !problems.isEmpty { throw ExitCode.failure }
  }

  /// The usual number, and where it comes from.
  private var threads: String {
    let (count, cores) = (Runtime.usualThreadCount(), ProcessInfo.processInfo.activeProcessorCount)
    if let asked = Runtime.askedThreadCount(ProcessInfo.processInfo.environment) {
      return "\(asked), as OMP_NUM_THREADS says, of \(cores) processors"
    }
    let quota = Runtime.coreQuota.map { ", of which the container may use \($0)" } ?? ""
    return "\(count) of \(cores) processors\(quota)"
  }

  /// What other programs take now.
  private var coresInUse: String {
    guard let taken = Runtime.coresInUse() else { return "the system does not tell" }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let remark = Threads.remark(wanting: Runtime.usualThreadCount()) == nil ? "" : "; training is slower than alone"
    return "\(Format.decimal(taken, places: 1)) of \(cores) by other programs\(remark)"
  }

  /// What the environment says of other processes.
  private func processes() throws -> String {
    guard let launch = try Launch(ProcessInfo.processInfo.environment) else { return "this one alone" }
    let own = launch.processesToStart > 1 ? "to start \(launch.processesToStart) from rank" : "rank"
    let store = launch.isStoreServed ? "which the launcher serves" : "which rank 0 serves"
    let again = launch.restarts > 0 ? ", after \(launch.restarts) restarts" : ""
    return "\(launch.launcher.rawValue): \(own) \(launch.rank.index) of \(launch.rank.count), meeting at "
      + "\(launch.host):\(launch.port), \(store)\(again)"
  }
}
