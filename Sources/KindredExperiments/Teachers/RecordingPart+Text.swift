// Which part of a recording a process records, as a command line or a scheduler says it.

import Foundation
import Kindred

extension RecordingPart {
  /// A part as people write it: `2/4`, counted from 1; `auto` for an array of Slurm's, and `auto/4` for that or an indexed
  /// Job of Kubernetes, which does not say how many it has.
  /// - Throws: `RunError`, saying what is wrong and what to write.
  package init(_ text: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    let words = text.split(separator: "/", omittingEmptySubsequences: false)
    let count = words.count == 2 ? Int(words[1]) : nil
    guard words.count == 1 || (words.count == 2 && count != nil), words[0] == "auto" || words.count == 2 else {
      throw RunError("--part '\(text)' is no part; write I/N such as 2/4, auto, or auto/N")
    }
    if let count, !(1...RecordingPart.largestCount).contains(count) {
      throw RunError("--part '\(text)': there are between 1 and \(RecordingPart.largestCount) parts")
    }
    guard words[0] == "auto" else {
      guard let count, let number = Int(words[0]), (1...count).contains(number) else {
        throw RunError("--part '\(text)': parts are counted from 1 to \(words[1])")
      }
      self.init(number, of: count)
      return
    }
    self = try RecordingPart.scheduled(count, environment)
  }

  private static func scheduled(_ count: Int?, _ environment: [String: String]) throws -> RecordingPart {
    if environment["SLURM_ARRAY_TASK_ID"] != nil { return try ofSlurm(count, environment) }
    guard environment["JOB_COMPLETION_INDEX"] != nil else {
      throw RunError(
        "--part auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set; say which part it is, such as "
          + "--part 1/\(count ?? 4)")
    }
    let index = try number("JOB_COMPLETION_INDEX", environment)
    guard let count else {
      throw RunError(
        "--part auto: JOB_COMPLETION_INDEX does not say how many there are; write auto/N, N the completions")
    }
    guard (0..<count).contains(index) else {
      throw RunError(
        "--part auto/\(count): JOB_COMPLETION_INDEX is \(index), and parts go from 0 to \(count - 1) there")
    }
    return RecordingPart(index + 1, of: count)
  }

  private static func ofSlurm(_ asked: Int?, _ environment: [String: String]) throws -> RecordingPart {
    let id = try number("SLURM_ARRAY_TASK_ID", environment)
    let first = try number("SLURM_ARRAY_TASK_MIN", environment)
    let count = try number("SLURM_ARRAY_TASK_COUNT", environment)
    let last = try environment["SLURM_ARRAY_TASK_MAX"].map { _ in try number("SLURM_ARRAY_TASK_MAX", environment) }
    guard last.map({ $0 - first + 1 == count }) ?? true, (first..<first + count).contains(id) else {
      throw RunError(
        "--part auto: the array's \(count) tasks from \(first)\(last.map { " to \($0)" } ?? "") do not follow each other "
          + "one by one; say which part task \(id) is, such as --part 1/\(asked ?? count)")
    }
    if let asked, asked != count {
      throw RunError(
        "--part auto/\(asked): the array has \(count) tasks; say which part task \(id) is, such as --part 1/\(asked)")
    }
    guard count <= largestCount else { throw RunError("--part auto: there are at most \(largestCount) parts") }
    return RecordingPart(id - first + 1, of: count)
  }

  private static func number(_ name: String, _ environment: [String: String]) throws -> Int {
    // No scheduler counts further, and sums of these stay numbers.
    guard let text = environment[name], let number = Int(text), (0...1 << 32).contains(number) else {
      throw RunError("--part auto: \(name) is \(environment[name].map { "'\($0)'" } ?? "not set"), not a number")
    }
    return number
  }
}

extension [Int] {
  /// Numbers of parts in order, such as "parts 1 to 3 and 7".
  package var partsInWords: String {
    let runs = reduce(into: [ClosedRange<Int>]()) { runs, number in
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    let words = runs.flatMap { run in
      run.count > 2 ? ["\(run.lowerBound) to \(run.upperBound)"] : run.map { "\($0)" }
    }
    let list = [words.dropLast().joined(separator: ", "), words.last ?? ""].filter { !$0.isEmpty }
    return (count == 1 ? "part " : "parts ") + list.joined(separator: " and ")
  }
}
