// `kindred inspect`: what a configuration means, before anything is trained.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport
import KindredVision

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show both networks of a configuration side by side, and what each loss uses.")

  @Argument(help: "The run's YAML file.")
  var config: String

  @OptionGroup var settings: SettingOptions

  @Flag(help: "Print the resolved configuration, every default filled in, instead.")
  var resolved = false

  func run() throws {
    let configuration = try Configuration.load(file: file(config), overrides: settings.all)
    if resolved { return output(configuration.yaml(), terminator: "") }
    output(networks(configuration))
    output(losses(configuration), terminator: "")
  }

  private func networks(_ settings: Configuration) -> String {
    let networks =
      [("student", settings.student.network)] + (settings.teacher?.network.map { [("teacher", $0)] } ?? [])
    let image = settings.data.set.imageShape
    let classes = settings.data.set.classCount
    var table = TextTable([.text("")] + networks.map { .text($0.0) })
    func row(_ title: String, _ cell: (Architecture) -> String) { table.append([title] + networks.map { cell($0.1) }) }
    row("network") { $0.name }
    row("input") { _ in shape(image) }
    for tap in settings.student.network.taps {
      row(tap) { $0.tapShape(tap, inputHeight: image.height, inputWidth: image.width).map(shape) ?? Format.missing }
    }
    row("logits") { _ in "\(classes)" }
    row("parameters") { Format.count($0.parameterCount(classes: classes, inputChannels: image.channels)) }
    row("multiply-adds") {
      Format.count(
        $0.multiplyAdds(
          classes: classes, inputChannels: image.channels, inputHeight: image.height, inputWidth: image.width))
    }
    return table.text
  }

  private func shape(_ shape: (channels: Int, height: Int, width: Int)) -> String {
    "\(shape.channels) x \(shape.height) x \(shape.width)"
  }

  private func losses(_ settings: Configuration) -> String {
    var table = TextTable([.text("loss"), .text("weight"), .text("student"), .text("teacher")])
    let losses = settings.losses
    let labels = losses.crossEntropy * (1 - (losses.kd?.alpha ?? 0))
    table.append(["cross_entropy", Format.value(labels), "logits", "labels"])
    if let kd = losses.kd {
      table.append(["kd (T = \(Format.value(kd.temperature)))", Format.value(kd.alpha), "logits", "logits"])
    }
    for (key, loss) in losses.activationTerms {
      for pair in loss.layers { table.append([key, weight(loss.weight), pair.student, pair.teacher]) }
    }
    return table.text
  }

  private func weight(_ weight: Configuration.Weight) -> String {
    switch weight {
    case .fixed(let value): Format.value(value)
    case .automatic(let calibration, let found):
      found.map(Format.value) ?? "auto (fraction \(Format.value(calibration.fraction)))"
    }
  }
}
