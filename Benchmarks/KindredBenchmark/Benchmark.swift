// The Swift side of `make bench`: the same measurements as its scripts for PyTorch, with the same arguments and JSON.

import ArgumentParser
import Foundation
import Kindred
import KindredVision
import Torch

@main
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kindred-bench", abstract: "Times parts of Kindred for a comparison with PyTorch.",
    subcommands: [
      StepCommand.self, RecordCommand.self, FloorCommand.self, LossesCommand.self, ONNXCommand.self,
      LoadingCommand.self, ScaleCommand.self,
    ])
}

/// What all measurements share.
struct Setting: ParsableArguments {
  @Option var teacher = "wrn-40-2"
  @Option var student = "wrn-16-2"
  @Option var batch = 128
  @Option var steps = 6
  @Option var warmup = 3
  @Option var threads = Runtime.physicalCoreCount

  func architecture(_ name: String) throws -> Architecture {
    guard let architecture = Architecture(name: name) else { throw ValidationError("There is no network '\(name)'.") }
    return architecture
  }
}

/// Times training steps of similarity-preserving distillation on made-up images.
struct StepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "step", abstract: "Time training steps.")

  enum Signal: String, ExpressibleByArgument, CaseIterable {
    case live
    case liveInt8 = "live-int8"
    case recorded
  }

  @OptionGroup var setting: Setting
  @Option var signal = Signal.live
  @Option(help: "The networks' precision: float32 or bfloat16.") var precision = Precision.float32
  @Option(help: "The recording that 'kindred-bench record' made for this setting.") var recording: String?
  @Flag(help: "Print one line of JSON, as pytorch_step.py does.") var json = false

  func run() throws {
    prepareRuntime(threads: setting.threads)
    let steps = setting.warmup + setting.steps
    let run = StepRun(
      try teacher(), try setting.architecture(setting.student), batch: setting.batch, steps: steps,
      precision: precision)
    var parts: [StepRun.Seconds] = []
    for _ in 0..<steps { parts.append(try run.step()) }
    parts.removeFirst(setting.warmup)
    try printJSON(Report(parts, batch: setting.batch), oneLine: json)
  }

  private func teacher() throws -> any TeacherSignal {
    switch signal {
    case .live: return StepRun.liveTeacher(try setting.architecture(setting.teacher), precision)
    case .liveInt8: return try StepRun.int8Teacher(try setting.architecture(setting.teacher), batch: setting.batch)
    case .recorded:
      guard let recording else { throw ValidationError("--signal recorded needs --recording.") }
      return try RecordedTeacher(
        Recording(URL(filePath: recording)), statistics: StepRun.objective.statistics)
    }
  }
}

extension Precision: ExpressibleByArgument {}

/// Records the teacher of a setting for `step --signal recorded`, in a process of its own: peak memory is the step's.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "record", abstract: "Record a teacher for 'step'.")

  @OptionGroup var setting: Setting
  @Option(help: "The recording's folder, which exists.") var out: String

  func run() throws {
    prepareRuntime(threads: setting.threads)
    try StepRun.record(
      try setting.architecture(setting.teacher), batch: setting.batch, steps: setting.warmup + setting.steps,
      to: URL(filePath: out))
  }
}

/// The least time in which the convolutions of a student's step could be done.
struct FloorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "floor", abstract: "Time a matrix product, and what a student's convolutions would take at its rate.")

  @OptionGroup var setting: Setting
  @Flag(help: "Print one line of JSON.") var json = false

  private struct Floor: Encodable {
    let multiplyAdds: Int
    let productRate: Double
    let seconds: Double
  }

  func run() throws {
    prepareRuntime(threads: setting.threads)
    let forward = try setting.architecture(setting.student).multiplyAdds(
      classes: 10, inputChannels: 3, inputHeight: 32, inputWidth: 32)
    // Forwards once; backwards once for the gradient of the input and once for that of the weights.
    let multiplyAdds = 3 * forward * setting.batch
    let rate = FloorCommand.productRate(steps: setting.steps)
    try printJSON(
      Floor(multiplyAdds: multiplyAdds, productRate: rate, seconds: Double(multiplyAdds) / rate), oneLine: json)
  }

  /// Multiply-adds a second of a float32 product of 2048 x 2048 matrices, by the median: libtorch's own product, or the
  /// same as a packed 1 x 1 convolution, whichever is faster here.
  private static func productRate(steps: Int) -> Double {
    let size = 2048
    let generator = Generator(seed: 1)
    let (a, b) = (generator.normal([size, size]), generator.normal([size, size]))
    let convolution = FusedConvolution(
      weight: generator.normal([size, size, 1, 1]), bias: nil, norm: nil, ConvolutionOptions())
    let image = generator.normal([1, size, 32, 64]).contiguous(.channelsLast)
    let clock = ContinuousClock()
    func seconds(_ product: () -> Void) -> Double {
      product()
      return median((0..<max(steps, 5)).map { _ in clock.measure(product) / .seconds(1) })
    }
    let best = withoutGradients {
      min(seconds { _ = a.matmul(b) }, seconds { _ = convolution(image, adding: nil, range: nil) })
    }
    return Double(size * size * size) / best
  }
}

/// Sets libtorch up as a run of `kindred distill` does.
func prepareRuntime(threads: Int) {
  Runtime.threadCount = threads
  Runtime.flushDenormals()
  Runtime.keepFreedMemory()
}

func printJSON(_ value: some Encodable, oneLine: Bool) throws {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.outputFormatting = oneLine ? [.sortedKeys] : [.sortedKeys, .prettyPrinted]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// The line that `report.py` reads.
private struct Report: Encodable {
  let seconds: [Double]
  let imagesPerSecond: Double
  let peakMemoryMb: Double
  let shares: [String: Double]

  init(_ parts: [StepRun.Seconds], batch: Int) {
    seconds = parts.map { $0.values.reduce(0, +) }
    imagesPerSecond = Double(batch) / median(seconds)
    peakMemoryMb = PeakMemory.resident
    let medians = Dictionary(
      uniqueKeysWithValues: StepRun.parts.map { part in (part, median(parts.map { $0[part] ?? 0 })) })
    let total = medians.values.reduce(0, +)
    shares = medians.mapValues { $0 / total }
  }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
