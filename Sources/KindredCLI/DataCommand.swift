// `kindred data`: fetching and looking at data sets.

import ArgumentParser
import Files
import Foundation
import KindredExperiments
import KindredReport
import KindredVision

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Fetch data sets and look at them.",
    subcommands: [GetCommand.self, DataCheckCommand.self, PreviewCommand.self])

  struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "get",
      abstract: "Download a data set from its official address, checked, resumed where it broke off.")

    @Argument(help: "One of \(DataSets.published.joined(separator: ", ")).", completion: .publishedDataSets)
    var name: String

    @Option(help: "The folder of data sets. (default: KINDRED_DATA, or else data)", completion: .directory)
    var to: String?

    @Option(help: "Another address that offers the same files.")
    var mirror: String?

    @Flag(help: "Print no progress.")
    var quiet = false

    func run() throws {
      guard let set = DataSets.named(name) else {
        throw RunError(
          "there is no data set '\(name)' to fetch; there are \(DataSets.published.joined(separator: ", "))")
      }
      guard !set.isDrawn else {
        return output("\(name) are drawn by Kindred itself; there is nothing to download")
      }
      let folder = file(to ?? ProcessInfo.processInfo.environment["KINDRED_DATA"] ?? "data")
      let mirror = try mirror.map { text in
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased()), url.host() != nil
        else {
          throw RunError("--mirror '\(text)' is no address; it begins with https:// or http://")
        }
        return url
      }
      let progress = DownloadProgressLine(quiet: quiet)
      defer { progress.finish() }
      let outcome = try DataDownload(set, into: folder, from: mirror).run { progress.show($0) }
      progress.finish()
      switch outcome {
      case .alreadyThere: output("\(name) is already in \(folder.displayName)")
      case .fetched: output("\(name) is in \(folder.displayName); name that folder with KINDRED_DATA or --data-dir")
      }
    }
  }

  struct PreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "preview", abstract: "Write a contact sheet (SVG) of a data set, a row a class with its name.")

    @Argument(help: "The data set, such as textures or cifar-10.", completion: .dataSets)
    var name: String

    @Option(help: "The SVG file. (default: NAME.svg)", completion: .file(extensions: ["svg"]))
    var out: String?

    @Option(name: .customLong("per-class"), help: "Images of each class.")
    var perClass = 12

    @Option(help: "The part of the set: test or train.", completion: .splits)
    var split = "train"

    @OptionGroup var data: DataOptions

    func validate() throws {
      guard (1...100).contains(perClass) else { throw ValidationError("--per-class is between 1 and 100.") }
      if let out, file(out).pathExtension.lowercased() == "png" {
        throw ValidationError("A contact sheet is an SVG file; name it so: --out \(out.dropLast(4)).svg")
      }
    }

    func run() throws {
      guard let split = DataSplit(rawValue: split) else { throw RunError("--split is test or train, not '\(split)'") }
      let library = data.library
      let images = try library.load(Configuration.Images(named: name, library), split)
      guard !images.classNames.isEmpty else { throw RunError("\(name): has no classes, of which each is a row") }
      let sheet = try images.contactSheet(perClass: perClass, scale: 2)
      let path = out ?? "\(name).svg"
      let picture = ContactSheetPicture(
        Picture(width: sheet.width, height: sheet.height, bytes: sheet.pixels), names: images.classNames,
        title: "\(images.name), \(split.rawValue)")
      try picture.draw().write(to: file(path))
      output(
        "\(path): \(images.classNames.count) classes from top to bottom: \(images.classNames.joined(separator: ", "))")
    }
  }
}
