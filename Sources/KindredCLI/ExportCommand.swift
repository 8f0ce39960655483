// `kindred export`: a trained network as a file that other programs run.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport
import KindredVision

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a trained network as an ONNX file.",
    discussion: """
      The file takes batches of any size and gives 'logits', or what a student's own ONNX file calls them; batch norms are folded into the convolutions before them. It is \
      read again, and compared with the network on random images, before it takes its place. Its metadata hold the class \
      names, mean and deviation of the images, and the weights' SHA-256.

      In int8 (QDQ form, for ONNX Runtime and others) and float16 it is run on evaluation images before it takes its \
      place. What it costs there is said, and kept in its metadata; a file that costs more than it may is not written. \
      Input, logits and taps are float32 all the same.
      """)

  @Argument(help: "A run's folder or a file of weights.", completion: .file())
  var weights: String

  @Option(help: "The ONNX file to write.", completion: .file(extensions: ["onnx"]))
  var output: String

  @Option(help: "The data set that it is for. (default: the run's)", completion: .dataSets)
  var data: String?

  @Option(help: "The network, for a file of weights that does not say it.", completion: .networks)
  var network: String?

  @Option(
    help: ArgumentHelp(
      "What the file takes: normalized, unit or bytes.",
      discussion: """
        Images that are normalised already, or numbers from 0 to 1 or from 0 to 255, which the file normalises itself.
        """))
  var input: StudentExport.Input = .normalized

  @Option(help: "What the file computes in: float32, float16 or int8.")
  var precision: StudentExport.Precision = .float32

  @OptionGroup var trialOptions: ExportTrialOptions

  @Option(help: "An activation to give beside the logits, such as pooled. Can be repeated.")
  var tap: [String] = []

  @OptionGroup var bestOption: BestOption
  @OptionGroup var dataOptions: DataOptions

  func run() throws {
    let stored = try StoredNetwork(file(weights), network: network, of: bestOption.wanted)
    if let remark = stored.remark { note(remark) }
    let (library, trained) = (dataOptions.library, stored.settings.map { dataOptions.found($0.data) })
    let named = try (data ?? (trained == nil ? stored.data : nil)).map {
      try Configuration.Images(named: $0, like: trained, library)
    }
    guard let seen = named ?? trained else {
      throw RunError("name the images with --data: the file holds their class names, mean and deviation")
    }
    let images = try library.form(of: seen)
    let export = StudentExport(stored, weights: file(weights), images: images, input: input, taps: tap)
    let difference: StudentExport.Difference
    try trialOptions.check(isUsed: precision != .float32)
    if let reduced = precision.reduced {
      let trial = try ExportTrial(stored, images: seen, library, trialOptions.quantization)
      difference = try export.write(to: file(output), in: reduced, trial)
    } else {
      difference = try export.write(to: file(output))
    }
    note("wrote \(file(output).displayName); \(difference.words)")
  }
}

/// How a file in fewer bits is made, and what it may cost. The names are those of a configuration's `teacher.int8`.
struct ExportTrialOptions: ParsableArguments {
  private static let usual = Configuration.Quantization()

  @Option(help: "In int8: the training batches that ranges are taken from.")
  var calibrationBatches = usual.calibrationBatches

  @Option(help: "In int8 and float16: the evaluation images that the cost is measured on.")
  var checkedImages = usual.checkedImages

  @Option(help: "The top-1 accuracy that may be lost, in percentage points.")
  var largestTop1Drop = usual.bounds.largestTop1Drop

  @Option(help: "How far a Gram matrix of the pooled vectors may be off, of its norm.")
  var largestGramError = usual.bounds.largestGramError

  @Option(help: "The least correlation of such a matrix's entries with the exact ones.")
  var smallestGramCorrelation = usual.bounds.smallestGramCorrelation

  var quantization: Configuration.Quantization {
    var quantization = Configuration.Quantization()
    quantization.calibrationBatches = calibrationBatches
    quantization.checkedImages = checkedImages
    quantization.bounds = QuantizationCost.Bounds(
      largestTop1Drop: largestTop1Drop, largestGramError: largestGramError,
      smallestGramCorrelation: smallestGramCorrelation)
    return quantization
  }

  /// - Throws: `RunError` for a number that cannot be, or numbers that nothing asks for.
  func check(isUsed: Bool) throws {
    do {
      try Configuration.Quantization.settings.check(quantization)
    } catch let error as SettingError {
      throw RunError("--\(error.key.replacing("_", with: "-")): \(error.problem)")
    }
    guard isUsed || quantization == Self.usual else {
      throw RunError("nothing is calibrated or measured in float32; take those options out, or name a --precision")
    }
  }
}

extension StudentExport.Precision: ExpressibleByArgument {
  fileprivate var reduced: QuantizationCost.Precision? {
    switch self {
    case .float32: nil
    case .float16: .float16
    case .int8: .int8
    }
  }
}

extension StudentExport.Difference {
  fileprivate var words: String {
    switch self {
    case .logits(let difference):
      "what it gives differs from the network's by \(Format.value(difference)) of the largest at most"
    case .cost(let cost): "\(cost)"
    }
  }
}

extension StudentExport.Input: ExpressibleByArgument {}
