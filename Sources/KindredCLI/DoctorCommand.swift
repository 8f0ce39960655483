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
    table.append(["libtorch", "\(Runtime.version) in \(Runtime.libraryFolder ?? "an unknown folder")"])
    table.append(["vector instructions", Runtime.cpuCapability])
    table.append([
      "threads", "\(Runtime.physicalCoreCount) of \(ProcessInfo.processInfo.activeProcessorCount) processors",
    ])
    table.append(["devices", (["cpu"] + (0..<Runtime.cudaDeviceCount).map { "cuda:\($0)" }).joined(separator: ", ")])
    table.append(["data sets", ProcessInfo.processInfo.environment["KINDRED_DATA"] ?? "KINDRED_DATA is not set"])
    output(table.text, terminator: "")
    let problems = Diagnosis.problems()
    output(problems.isEmpty ? "nothing is wrong" : problems.map { "problem: \($0)" }.joined(separator: "\n"))
    if !problems.isEmpty { throw ExitCode.failure }
  }
}
