// `kindred figure`: the paper's figures, of one's own runs.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct FigureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figure",
    abstract: "Draw finished runs as SVG: similarities, channels, or the accuracy over a weight.",
    subcommands: [SimilarityCommand.self, ChannelsCommand.self, SweepCommand.self])

  struct SimilarityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "similarity", abstract: "Draw which test images each run's network holds to be similar.",
      discussion: """
        A panel a run: the row-normalised Gram matrix of the last stage's activations of the same test images, sorted by \
        class. All panels share one scale. Each network sees the images as its run did.
        """)

    @OptionGroup var options: NetworkFigureOptions

    @Option(help: "Images of each class. (default: 12, and fewer of more than 20 classes)")
    var perClass: Int?

    func validate() throws { try options.validate(perClass) }

    func run() throws {
      let networks = try options.networks()
      try write(networks.similarity(at: options.tap, perClass: perClass), to: options.output)
    }
  }

  struct ChannelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "channels", abstract: "Draw how much each channel of each run's network answers to each class.",
      discussion: """
        A panel a run, a row a class and a column a channel of the last stage: the mean over an image's places and over \
        the test images of the class. Each panel has its own scale, written below it.
        """)

    @OptionGroup var options: NetworkFigureOptions

    @Option(help: "Images of each class. (default: all)")
    var perClass: Int?

    func validate() throws { try options.validate(perClass) }

    func run() throws {
      let networks = try options.networks()
      try write(networks.channels(at: options.tap, perClass: perClass), to: options.output)
    }
  }

  struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "sweep", abstract: "Draw the accuracy of a study's rows over the number that they sweep.",
      discussion: """
        Rows such as {losses: {sp: {weight: {sweep: [30, 100, auto]}}}} are a series each, with mean and standard \
        deviation over their runs; 'auto' is drawn hollow, at the weight that was found. Rows without a sweep are dashed \
        lines. Runs that are not finished are named and left out; '\(ShellCommand.program) compare STUDY' trains them.
        """)

    @Argument(help: "The YAML file of the study.", completion: .configurations)
    var study: String

    @Option(help: "The SVG file to write.", completion: .file(extensions: ["svg"]))
    var output: String

    @Option(help: "The folder of runs.", completion: .directory)
    var runs = "runs"

    @Option(help: "Seeds for each, as 'compare' was given them. (default: the study's, or 3)")
    var seeds: Int?

    @OptionGroup var settings: SettingOptions

    func validate() throws {
      guard (1...1000).contains(seeds ?? 1) else { throw ValidationError("--seeds is between 1 and 1000.") }
    }

    func run() throws {
      let rows = try Study.load(file: file(study), overrides: settings.all, seeds: seeds).rows
      let title = file(study).deletingPathExtension().lastPathComponent
      let figure = try SweepFigure(rows, title: title, runs: file(runs))
      for remark in figure.remarks { note(oneLine(remark)) }
      try write(figure.draw(), to: output)
    }
  }
}

/// What the figures of networks have in common.
struct NetworkFigureOptions: ParsableArguments {
  @Argument(help: "The folders of finished runs on one data set.", completion: .directory)
  var runs: [String]

  @Option(help: "The SVG file to write.", completion: .file(extensions: ["svg"]))
  var output: String

  @Option(help: "The activation, such as stage2 or pooled. (default: each network's last stage)")
  var tap: String?

  @OptionGroup var bestOption: BestOption
  @OptionGroup var data: DataOptions

  func validate(_ perClass: Int?) throws {
    guard !runs.isEmpty else { throw ValidationError("Name at least one run's folder.") }
    guard (1...100_000).contains(perClass ?? 1) else { throw ValidationError("--per-class is 1 or more.") }
  }

  /// The runs' networks; what is to be said of their weights is said.
  func networks() throws -> ShownNetworks {
    let networks = try ShownNetworks(
      runs: runs.map { file($0) }, of: bestOption.wanted, library: data.library, found: data.found)
    for remark in networks.remarks { note(oneLine(remark)) }
    return networks
  }
}

private func write(_ figure: SVGDocument, to output: String) throws {
  try figure.write(to: file(output))
  note("wrote \(output)")
}
