// `kindred data check`: every image of a set looked at once.

import ArgumentParser
import Files
import Foundation
import KindredExperiments
import KindredReport
import KindredVision
import Synchronization

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look at every image of a set of your own: broken ones, double ones, classes, sizes.",
    discussion: """
      The set is a folder of class folders, a folder without classes, a text file of lines 'path<tab>class', or tar \
      archives. Which images are broken is kept beside them, so that a run may leave these out (data.broken: skip). \
      Exits with status 1 where an image is broken.
      """)

  @Argument(help: "The folder, list or archives.")
  var place: String

  @Flag(help: "Print no progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    StopRequest.listen()
    let progress = CheckProgressLine(quiet: quiet)
    let check = try ImageCheck(file(place)) { done, total in
      progress.show(done, of: total)
      return !StopRequest.isPending
    }
    progress.finish()
    guard let check else { throw ExitCode(StopRequest.exitStatus) }
    output(json ? try KindredCLI.json(CheckReport(check)) : text(check))
    if !check.isKept {
      note("the images' folder cannot be written to, so that data.broken: skip will not know which are broken")
    }
    if !check.broken.isEmpty { throw ExitCode(1) }
  }

  private func text(_ check: ImageCheck) -> String {
    var lines = check.broken.map { "broken     \($0.path.displayed): \($0.problem)" }
    lines += check.duplicates.map { "the same   \($0.map(\.displayed).joined(separator: ", "))" }
    lines += check.classes.filter { $0.count == 1 }.map { "one image  class \($0.name.displayed)" }
    if !lines.isEmpty { lines.append("") }
    lines.append("images     \(check.count), \(check.broken.count) of them broken")
    if let least = check.classes.min(by: { $0.count < $1.count }),
      let most = check.classes.max(by: { $0.count < $1.count })
    {
      lines.append(
        "classes    \(check.classes.count), from \(least.count) images (\(least.name.displayed)) to \(most.count) "
          + "(\(most.name.displayed))")
    } else {
      lines.append("classes    none")
    }
    if let least = check.sizes.first, let most = check.sizes.last {
      let middle = check.sizes[check.sizes.count / 2]
      lines.append(
        "sizes      \(least.width) x \(least.height) to \(most.width) x \(most.height), half of them up to "
          + "\(middle.width) x \(middle.height)")
    }
    let doubles = check.duplicates.reduce(0) { $0 + $1.count - 1 }
    if doubles > 0 { lines.append("doubles    \(doubles) images are copies of others") }
    return lines.joined(separator: "\n")
  }

  /// The JSON document.
  private struct CheckReport: Encodable {
    struct Broken: Encodable {
      let path: String
      let problem: String
    }

    let images: Int
    let broken: [Broken]
    let duplicates: [[String]]
    let classes: [String: Int]
    /// The largest class beside the smallest; absent for fewer than two classes.
    let imbalance: Double?
    /// Width and height of the smallest, the middle and the largest image.
    let sizes: [[Int]]

    init(_ check: ImageCheck) {
      images = check.count
      broken = check.broken.map { Broken(path: $0.path, problem: $0.problem) }
      duplicates = check.duplicates
      classes = Dictionary(check.classes.map { ($0.name, $0.count) }) { first, _ in first }
      imbalance = check.imbalance
      let some = check.sizes
      sizes = some.isEmpty ? [] : [some[0], some[some.count / 2], some[some.count - 1]].map { [$0.width, $0.height] }
    }
  }
}

/// A line that is rewritten on a terminal and left out elsewhere. May be told from any thread.
private final class CheckProgressLine: Sendable {
  private struct State {
    var rate = RateEstimate()
    var lastShown = -1.0
    var isOpen = false
  }

  private let isShown: Bool
  private let state = Mutex(State())

  init(quiet: Bool) { isShown = !quiet && isatty(STDERR_FILENO) == 1 }

  func show(_ done: Int, of total: Int) {
    guard isShown else { return }
    let now = ProcessInfo.processInfo.systemUptime
    state.withLock { state in
      state.rate.observe(done: done, at: now)
      guard now - state.lastShown > 0.1 || done == total else { return }
      (state.lastShown, state.isOpen) = (now, true)
      let line = ProgressLine(
        label: "checking", fraction: Double(done) / Double(max(total, 1)), details: ["\(done) of \(total) images"],
        secondsLeft: state.rate.secondsLeft(total: total))
      write("\r\u{1B}[K\(line.text(width: 79))")
    }
  }

  func finish() { if state.withLock(\.isOpen) { write("\n") } }

  /// A terminal that has gone must not stop the check.
  private func write(_ text: String) { try? AtomicFile.write(Data(text.utf8), to: STDERR_FILENO) }
}
