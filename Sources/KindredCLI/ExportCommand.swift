// `kindred export`: a trained network as a file that other programs run.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport
import KindredVision

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a trained network as an ONNX file.",
    discussion: """
      The file takes batches of any size and gives 'logits'; batch norms are folded into the convolutions before them. It is \
      read again, and compared with the network on random images, before it takes its place. Its metadata hold the class \
      names, mean and deviation of the images, and the weights' SHA-256.
      """)

  @Argument(help: "A run's folder or a file of weights.")
  var weights: String

  @Option(help: "The ONNX file to write.")
  var output: String

  @Option(help: "The data set that it is for. (default: the run's)")
  var data: String?

  @Option(help: "The network, for a file of weights that does not say it.")
  var network: String?

  @Option(
    help: ArgumentHelp(
      "What the file takes: normalized, unit or bytes.",
      discussion: """
        Images that are normalised already, or numbers from 0 to 1 or from 0 to 255, which the file normalises itself.
        """))
  var input: StudentExport.Input = .normalized

  @Option(help: "An activation to give beside the logits, such as pooled. Can be repeated.")
  var tap: [String] = []

  @OptionGroup var dataOptions: DataOptions

  func run() throws {
    let stored = try StoredNetwork(file(weights), network: network)
    if let remark = stored.remark { note(remark) }
    guard let name = data ?? stored.settings?.data.set.rawValue ?? stored.data else {
      throw RunError("name the data set with --data: the file holds its class names, mean and deviation")
    }
    let images = try dataOptions.library.load(DataSetName(named: name), .test)
    let export = StudentExport(stored, weights: file(weights), images: images, input: input, taps: tap)
    let difference = try export.write(to: file(self.output))
    note(
      "wrote \(self.output); its logits differ from the network's by \(Format.value(difference)) of the largest at most"
    )
  }
}

extension StudentExport.Input: ExpressibleByArgument {}
