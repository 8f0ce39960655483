// `kindred evaluate`: how well a trained network does.

import ArgumentParser
import Files
import Foundation
import Graph
import Kindred
import KindredExperiments
import KindredReport
import KindredVision
import Torch

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a network: accuracy, top-5, loss and a table of classes.")

  @Argument(help: "A run's folder, a file of weights, or an ONNX file.", completion: .file())
  var weights: String

  @Option(help: "The data set. (default: the run's)", completion: .dataSets)
  var data: String?

  @Option(
    help: ArgumentHelp(
      "The part of the set: test, train, held-out or run.",
      discussion: "held-out is what a run held out of its training images, run what it measured itself with."),
    completion: .splits)
  var split = "test"

  @Option(help: "The network, for a file that does not say it.", completion: .networks)
  var network: String?

  @OptionGroup var bestOption: BestOption
  @OptionGroup var dataOptions: DataOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    Threads.prepare()
    let (network, images) = try ONNXFile.isOne(file(weights)) ? onnx() : stored()
    guard images.isLabelled else { throw RunError("\(images.name): has images without a class to measure by") }
    let progress = CheckProgressLine(quiet: json, doing: "measuring", of: "images")
    let batches = CountedBatches(EvaluationImages(images).batches()) { progress.show($0, of: images.count) }
    let evaluation = try network.evaluation(on: batches, classCount: images.classNames.count)
    progress.finish()
    guard evaluation.loss.isFinite else {
      throw RunError(
        "\(weights): its loss on \(evaluation.count) \(images.name) \(split) images is not finite; the network is broken"
      )
    }
    output(
      json ? try KindredCLI.json(Report(evaluation, images), .evaluation) : text(evaluation, images),
      terminator: json ? "\n" : "")
  }

  private func stored() throws -> (Network, ImageSet) {
    let stored = try StoredNetwork(file(weights), network: network, of: bestOption.wanted)
    if let remark = stored.remark { note(remark) }
    let images = try images(stored.data, like: stored.settings?.data, classes: stored.classes)
    guard images.channels == stored.inputChannels else {
      throw RunError("the network takes \(stored.inputChannels) channels, \(images.name) has \(images.channels)")
    }
    return (stored.network, images)
  }

  private func onnx() throws -> (Network, ImageSet) {
    guard !bestOption.best else { throw RunError("\(weights) is an ONNX file; --best chooses among a run's weights") }
    let place = file(weights)
    let images = try images(StoredONNX.data(of: place), like: StoredONNX.ownImages(of: place), classes: nil)
    let stored = try StoredONNX(file(weights), set: images)
    try check(classes: stored.classes, images)
    return (stored.network, images)
  }

  /// - Parameters:
  ///   - usual: the name of the set that a file says it is for.
  ///   - like: the images that the network was trained on, where they are known.
  private func images(_ usual: String?, like: Configuration.Images?, classes: Int?) throws -> ImageSet {
    if ["held-out", "run"].contains(split) { return try ownImages(like, classes: classes) }
    guard let split = DataSplit(rawValue: split) else {
      throw RunError("--split is test, train, held-out or run, not '\(split)'")
    }
    let chosen = try chosen(usual, like: like)
    guard chosen.areMeasured else {
      throw RunError("\(chosen.name): has images without a class to measure by; name others with --data")
    }
    let images = try dataOptions.library.load(chosen, split)
    if let classes { try check(classes: classes, images) }
    return images
  }

  /// The images that a run measured itself with, or those that it held out.
  private func ownImages(_ like: Configuration.Images?, classes: Int?) throws -> ImageSet {
    guard var own = like.map(dataOptions.found), data == nil, own.set != nil || own.train != nil else {
      throw RunError("--split \(split) is for a run's folder and its own images; take it out, or --data")
    }
    if split == "held-out" {
      guard own.heldOutImages > 0 else {
        throw RunError("\(weights): the run held no images out (data.held_out_images)")
      }
      own.evaluateOn = .heldOut
    }
    guard own.areMeasured else { throw RunError("\(own.name): has images without a class to measure by") }
    let images = try dataOptions.library.evaluation(own)
    if let classes { try check(classes: classes, images) }
    return images
  }

  private func chosen(_ usual: String?, like: Configuration.Images?) throws -> Configuration.Images {
    let like = like.map(dataOptions.found)
    if let data { return try Configuration.Images(named: data, like: like, dataOptions.library) }
    // A run's own, which have a place; what a file says of images of somebody's own has none.
    if let like, like.set != nil || like.train != nil { return like }
    if let usual, let set = DataSets.named(usual) {
      var images = Configuration.Images(set: set)
      if set.splits != nil { images.split = like?.split }
      return images
    }
    throw RunError("name the images with --data: a data set, or a folder of images")
  }

  private func check(classes: Int, _ images: ImageSet) throws {
    guard images.classNames.count == classes else {
      throw RunError("the network has \(classes) classes, \(images.name) has \(images.classNames.count)")
    }
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
      let accuracyPercent: Double?
    }

    let images: Int
    let accuracyPercent: Double
    let top5AccuracyPercent: Double
    let loss: Double
    let classes: [Class]

    init(_ evaluation: Evaluation, _ set: ImageSet) {
      images = evaluation.count
      accuracyPercent = Percent.of(evaluation.accuracy)
      top5AccuracyPercent = Percent.of(evaluation.top5Accuracy)
      loss = evaluation.loss
      classes = zip(set.classNames, evaluation.classes).map {
        Class(
          name: $0, images: $1.count, correct: $1.correct,
          accuracyPercent: $1.count > 0 ? Percent.of($1.accuracy) : nil)
      }
    }
  }
}
