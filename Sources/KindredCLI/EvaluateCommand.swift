// `kindred evaluate`: how well a trained network does.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport
import KindredVision
import Torch

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a network: accuracy, top-5, loss and a table of classes.")

  @Argument(help: "A run's folder or a safetensors file of weights.")
  var weights: String

  @Option(help: "The data set. (default: the run's)")
  var data: String?

  @Option(help: "The part of the set: test or train.")
  var split = "test"

  @Option(help: "The network, for a file that does not say it.")
  var network: String?

  @OptionGroup var dataOptions: DataOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let stored = try StoredNetwork(file(weights), network: network)
    if let remark = stored.remark { note(remark) }
    let images = try images(for: stored)
    let evaluation = stored.network.evaluation(on: EvaluationImages(images), classCount: images.classNames.count)
    guard evaluation.loss.isFinite else {
      throw RunError(
        "\(weights): its loss on \(evaluation.count) \(images.name) \(split) images is not finite; the network is broken"
      )
    }
    output(
      json ? try KindredCLI.json(Report(evaluation, images)) : text(evaluation, images), terminator: json ? "\n" : "")
  }

  private func images(for stored: StoredNetwork) throws -> ImageSet {
    guard let split = DataSplit(rawValue: split) else { throw RunError("--split is test or train, not '\(split)'") }
    guard let name = data ?? stored.settings?.data.set.rawValue ?? stored.data else {
      throw RunError("name the data set with --data")
    }
    let set = try DataSetName(named: name)
    let images = try dataOptions.library.load(set, split)
    guard images.classNames.count == stored.classes else {
      throw RunError("the network has \(stored.classes) classes, \(name) has \(images.classNames.count)")
    }
    guard images.channels == stored.inputChannels else {
      throw RunError("the network takes \(stored.inputChannels) channels, \(name) has \(images.channels)")
    }
    return images
  }

  private func text(_ evaluation: Evaluation, _ images: ImageSet) -> String {
    var table = TextTable([.text("class"), .number("images"), .number("correct"), .number("accuracy")])
    for (name, score) in zip(images.classNames, evaluation.classes) {
      let accuracy = score.count > 0 ? Format.percent(score.accuracy, places: 2) : Format.missing
      table.append([name, "\(score.count)", "\(score.correct)", accuracy])
    }
    return """
      \(table.text)
      accuracy \(Format.percent(evaluation.accuracy, places: 2))  \
      top-5 \(Format.percent(evaluation.top5Accuracy, places: 2))  loss \(Format.value(evaluation.loss))  \
      (\(evaluation.count) \(images.name) \(split) images)

      """
  }

  /// The JSON document.
  private struct Report: Encodable {
    struct Class: Encodable {
      let name: String
      let images: Int
      let correct: Int
      /// Absent for a class without images.
      let accuracy: Double?
    }

    let images: Int
    let accuracy: Double
    let top5Accuracy: Double
    let loss: Double
    let classes: [Class]

    init(_ evaluation: Evaluation, _ set: ImageSet) {
      images = evaluation.count
      accuracy = evaluation.accuracy
      top5Accuracy = evaluation.top5Accuracy
      loss = evaluation.loss
      classes = zip(set.classNames, evaluation.classes).map {
        Class(name: $0, images: $1.count, correct: $1.correct, accuracy: $1.count > 0 ? $1.accuracy : nil)
      }
    }
  }
}
