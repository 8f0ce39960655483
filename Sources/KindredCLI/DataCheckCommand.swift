// `kindred data check`: every image of a set looked at once.

import ArgumentParser
import Files
import Foundation
import KindredExperiments
import KindredReport
import KindredVision

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look at every image of a set of your own: broken ones, double ones, classes, sizes.",
    discussion: """
      The set is a folder of class folders, a folder without classes, a text file of lines 'path<tab>class', or tar \
      archives. Which images are broken is kept beside them, so that a run may leave these out (data.broken: skip). \
      Exits with status 1 where an image is broken.
      """)

  @Argument(help: "The folder, list or archives.", completion: .file())
  var place: String

  @Flag(help: "Print no progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    StopRequest.listen()
    let progress = CheckProgressLine(quiet: quiet, of: "images")
    let check = try ImageCheck(file(place)) { done, total in
      progress.show(done, of: total)
      return !StopRequest.isPending
    }
    progress.finish()
    guard let check else { throw ExitCode(StopRequest.exitStatus) }
    output(json ? try KindredCLI.json(CheckReport(check), .imageCheck) : text(check))
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
