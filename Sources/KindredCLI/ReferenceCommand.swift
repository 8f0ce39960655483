// `kindred reference`: writes the reference's pages, for whoever changes what they are made from.

import ArgumentParser
import KindredExperiments

struct ReferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference", abstract: "Write the reference's pages, docs/reference in Kindred's own sources.",
    shouldDisplay: false)

  @Argument(help: "The folder for the pages.")
  var folder: String

  @Option(help: "The folder of studies and tables that accuracies are taken from.")
  var experiments = "Experiments"

  func run() throws {
    for page in try Reference.write(to: file(folder), experiments: file(experiments)) { output(page.displayName) }
  }
}
