// Every write, flush and rename fails once: the command says so in a line, spoils nothing, and goes on when asked to.

import ArgumentParser
import Foundation
import TestSupport

struct FaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults", abstract: "Lets every write of small runs fail once.",
    discussion: """
      Counted are the calls that open for writing, write, flush, cut, rename and make a folder. The n-th fails, for \
      every n: with a full disk, a broken one and one that may not be written to; and, as a full disk does, the n-th \
      and every later one.
      """)

  @Argument(help: "What to disturb: train, distill, record, compare. (default: all)")
  var scenarios: [String] = []

  @Flag(help: "One kind of fault for each call, in turn, in place of all.")
  var rotate = false

  @Option(help: "Only this call, to look into a failure.")
  var only: Int?

  @Option(help: "The training images, in batches of 32.")
  var images = 64

  @Option(help: "The epochs of a run.")
  var epochs = 2

  func run() throws {
    var bad = 0
    for scenario in try Scenario.named(scenarios) {
      let disk = try FaultyDisk(scenario, images: images, epochs: epochs)
      let calls = try disk.measure()
      let numbers = only.map { [$0] } ?? Array(1...calls)
      let kinds = Fault.Kind.allCases
      let faults = numbers.flatMap { number in
        (rotate ? [kinds[(number - 1) % kinds.count]] : kinds).map { Fault(call: number, kind: $0) }
      }
      let progress = Progress("\(scenario.name): faults", total: faults.count)
      var failures = 0
      for (done, fault) in faults.enumerated() {
        if let problem = try disk.problem(with: fault) {
          failures += 1
          progress.message("\(scenario.name): call \(fault.call) (\(fault.kind.rawValue)): \(problem)")
        }
        progress.update(done: done + 1)
      }
      say("\(scenario.name): \(calls) calls, \(faults.count) faults, \(failures) not as they should be")
      bad += failures
    }
    guard bad == 0 else { throw Failure("\(bad) faults were not answered as they should be") }
  }
}

/// One call that fails.
struct Fault {
  enum Kind: String, CaseIterable {
    case full = "ENOSPC"
    case broken = "EIO"
    case forbidden = "EACCES"
    case fullForGood = "ENOSPC from there on"

    var code: Int32 {
      switch self {
      case .full, .fullForGood: ENOSPC
      case .broken: EIO
      case .forbidden: EACCES
      }
    }
  }

  let call: Int
  let kind: Kind

  static let none = Fault(call: 0, kind: .full)
}

/// A scenario on a disk that can be made to fail.
private final class FaultyDisk {
  private let scenario: Scenario
  private let work: TestFolder
  private let template: TestFolder
  private let report: URL
  private var wanted: [String: Data] = [:]

  init(_ scenario: Scenario, images: Int, epochs: Int) throws {
    self.scenario = scenario
    (work, template) = (try TestFolder.inMemory(), try TestFolder.inMemory())
    report = work.url.appending(path: "report")
    try scenario.prepare(template, images: images, epochs: epochs)
  }

  /// The number of calls of an undisturbed run.
  func measure() throws -> Int {
    let folder = try fresh()
    let finished = try run(.none, in: folder)
    guard finished.status == 0 else { throw Failure("\(scenario.name) fails undisturbed: \(finished.errors)") }
    wanted = try Outcome(folder).results()
    let count = try readReport().calls
    guard count > 0 else { throw Failure("no call was counted: libFaultyDisk.so was not loaded") }
    return count
  }

  private func fresh() throws -> URL {
    let folder = work.url.appending(path: "disk")
    try? FileManager.default.removeItem(at: folder)
    try FileManager.default.copyItem(at: template.url, to: folder)
    return folder
  }

  private func run(_ fault: Fault, in folder: URL) throws -> Child.Finished {
    try Data(count: FaultyDisk.reportBytes).write(to: report)
    return try kindred(
      scenario.arguments, in: folder,
      environment: [
        "LD_PRELOAD": built("libFaultyDisk.so").path, "FAULTY_DISK_FOLDER": folder.path,
        "FAULTY_DISK_FAIL": "\(fault.call)", "FAULTY_DISK_ERROR": "\(fault.kind.code)",
        "FAULTY_DISK_LASTING": fault.kind == .fullForGood ? "1" : "0", "FAULTY_DISK_REPORT": report.path,
      ]
    ).wait()
  }

  /// The size of `faulty_disk_report`.
  private static let reportBytes = 512

  private func readReport() throws -> (calls: Int, failed: String) {
    let data = try Data(contentsOf: report)
    let calls = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return (calls, String(decoding: data.dropFirst(8).prefix { $0 != 0 }, as: UTF8.self))
  }

  /// What is wrong with the answer to a fault; nil where all is as it should be.
  func problem(with fault: Fault) throws -> String? {
    let folder = try fresh()
    let finished = try run(fault, in: folder)
    let failed = try readReport().failed.replacingOccurrences(of: folder.path + "/", with: "")
    guard !failed.isEmpty else { return "there was no such call" }
    if let problem = answerProblem(finished, to: fault) { return "\(failed): \(problem)" }
    if let damage = Outcome(folder).damage() { return "\(failed): \(damage)" }
    let again = try run(.none, in: folder)
    guard again.status == 0 else { return "\(failed): it does not go on: \(again.errors)" }
    let found = try Outcome(folder).results()
    let different = Set(wanted.keys).union(found.keys).sorted().first { wanted[$0] != found[$0] }
    return different.map { "\(failed): \($0) is not that of an undisturbed run" }
  }

  /// A comparison on a disk that stays full has a line for each of its tables.
  private func answerProblem(_ finished: Child.Finished, to fault: Fault) -> String? {
    guard finished.status > 0 else { return "it ended with \(finished.status)" }
    let lines = finished.errors.split(separator: "\n")
    let mostLines = fault.kind == .fullForGood && scenario.name == "compare" ? 3 : 1
    guard (1...mostLines).contains(lines.count), lines.allSatisfy({ $0.hasPrefix("Error: ") }) else {
      return "it did not say so in a line: \(finished.errors)"
    }
    return finished.errors.contains("Domain") ? "it said so in the system's words: \(lines[0])" : nil
  }
}
