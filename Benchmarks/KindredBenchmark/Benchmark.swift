// The Swift side of `make bench`: the same training step as `pytorch_step.py`, with the same arguments and JSON.

import ArgumentParser
import Foundation
import Kindred
import KindredVision
import Torch

@main
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kindred-bench", abstract: "Times parts of Kindred for a comparison with PyTorch.",
    subcommands: [StepCommand.self])
}

/// Times training steps of similarity-preserving distillation on made-up images.
struct StepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "step", abstract: "Time training steps.")

  enum Signal: String, ExpressibleByArgument, CaseIterable { case live }

  @Option var teacher = "wrn-40-2"
  @Option var student = "wrn-16-2"
  @Option var batch = 128
  @Option var steps = 6
  @Option var warmup = 3
  @Option var threads = Runtime.physicalCoreCount
  @Option var signal = Signal.live
  @Flag(help: "Print one line of JSON, as pytorch_step.py does.") var json = false

  func run() throws {
    Runtime.threadCount = threads
    Runtime.flushDenormals()
    let run = StepRun(try architecture(teacher), try architecture(student), batch: batch, epochs: warmup + steps)
    var parts: [StepRun.Seconds] = []
    for _ in 0..<(warmup + steps) { parts.append(try run.step()) }
    parts.removeFirst(warmup)
    let report = Report(parts, batch: batch)
    let encoder = JSONEncoder()
    encoder.outputFormatting = json ? [.sortedKeys] : [.sortedKeys, .prettyPrinted]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  private func architecture(_ name: String) throws -> Architecture {
    guard let architecture = Architecture(name: name) else { throw ValidationError("There is no network '\(name)'.") }
    return architecture
  }
}

/// The line that `report.py` reads.
private struct Report: Encodable {
  let seconds: [Double]
  let imagesPerSecond: Double
  let peakMemory: Double
  let shares: [String: Double]

  private enum CodingKeys: String, CodingKey {
    case seconds
    case imagesPerSecond = "images_per_second"
    case peakMemory = "peak_memory_mb"
    case shares
  }

  init(_ parts: [StepRun.Seconds], batch: Int) {
    seconds = parts.map { $0.values.reduce(0, +) }
    imagesPerSecond = Double(batch) / median(seconds)
    peakMemory = peakResidentMemory()
    let medians = Dictionary(
      uniqueKeysWithValues: StepRun.parts.map { part in (part, median(parts.map { $0[part] ?? 0 })) })
    let total = medians.values.reduce(0, +)
    shares = medians.mapValues { $0 / total }
  }
}

private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The process's peak resident memory in MiB.
private func peakResidentMemory() -> Double {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return (line?.split(separator: " ").compactMap { Double($0) }.first ?? 0) / 1024
}
