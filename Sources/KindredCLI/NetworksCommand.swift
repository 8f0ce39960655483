// `kindred networks`: what there is to teach and to learn from, and what it costs.

import ArgumentParser
import KindredReport
import KindredVision

struct NetworksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "networks", abstract: "List every network: its size, its cost, its taps and where it comes from.",
    discussion: """
      Parameters and multiply-adds are those of one image of the usual size, with 100 classes for images of 32 pixels and \
      1000 for those of 224. Images of other sizes can be taken too. Beside the Wide ResNets listed there is every \
      wrn-DEPTH-WIDTH with a depth of 10, 16, 22 ... 100 and a width from 1 to 20.
      """)

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let rows = Architecture.suggested.map { NetworkRow($0) }
    output(json ? try KindredCLI.json(["networks": rows], .networks) : text(rows), terminator: json ? "\n" : "")
  }

  private func text(_ rows: [NetworkRow]) -> String {
    var table = TextTable([
      .text("network"), .number("image"), .number("parameters"), .number("multiply-adds"), .text("taps"),
      .text("source"),
    ])
    for row in rows {
      table.append([
        row.name, String(row.imageSize), Format.count(row.parameters), Format.count(row.multiplyAdds),
        row.taps.joined(separator: " "), row.source,
      ])
    }
    return "Costs of one image: with 100 classes at 32 pixels, with 1000 at 224.\n\n" + table.text
  }
}

/// What the list says of a network.
private struct NetworkRow: Encodable {
  let name: String
  let family: String
  let source: String
  let imageSize: Int
  let classes: Int
  let parameters: Int
  let multiplyAdds: Int
  let taps: [String]

  init(_ architecture: Architecture) {
    name = architecture.name
    (family, source, imageSize) = (architecture.family.title, architecture.family.source, architecture.family.imageSize)
    classes = imageSize == 32 ? 100 : 1000
    parameters = architecture.parameterCount(classes: classes, inputChannels: 3)
    multiplyAdds = architecture.multiplyAdds(
      classes: classes, inputChannels: 3, inputHeight: imageSize, inputWidth: imageSize)
    taps = architecture.taps
  }
}
