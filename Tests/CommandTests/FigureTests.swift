// `kindred figure` of real runs, held against what the test computes of the same networks and results itself.

import Foundation
import FoundationXML
import Kindred
import KindredReport
import KindredVision
import TestSupport
import Testing
import Torch

@Suite struct FigureTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files(images: 96))
    try scratch.write(
      """
      base: {extends: plain.yaml, teacher: {config: teacher.yaml}, training: {epochs: 1}}
      seeds: 2
      rows:
        plain: {teacher: null}
        sp: {losses: {sp: {weight: {sweep: [10, 200, auto]}, calibration_batches: 2}}}
        names: {teacher: null, training: {optimizer: {name: {sweep: [sgd, adamw]}}}}
      """, to: "study.yaml")
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let finished = try Command.start(arguments, in: scratch.url).wait()
    #expect(finished.status == 0, "\(finished.errors)")
    return finished
  }

  private func refusal(_ arguments: String...) throws -> String {
    let finished = try Command.start(["figure"] + arguments + ["--output", "no.svg"], in: scratch.url).wait()
    #expect(finished.status == 1 && finished.errors.split(separator: "\n").count == 1, "\(finished.errors)")
    #expect(!scratch.has("no.svg"))
    return finished.errors
  }

  /// The contents of the elements of a name, and the pictures as wide as high, the panels.
  private func read(_ name: String) throws -> (texts: [String], description: String, panels: [PixelImage]) {
    let reader = try SVGReader(scratch.bytes(name))
    return (reader.texts, reader.words, try reader.panels())
  }

  @Test func activationsAreThoseOfTheNetworks() throws {
    try run("train", "teacher.yaml", "--out", "a", "--quiet")
    try run("train", "teacher.yaml", "--out", "b", "--seed", "2", "--quiet")
    let run = try run("figure", "channels", "a", "b", "--per-class", "3", "--output", "channels.svg")
    #expect(run.output.isEmpty && run.errors == "wrote channels.svg\n")
    try self.run("figure", "similarity", "a", "b", "--per-class", "3", "--tap", "stage2", "--output", "similarity.svg")

    // The first three images of each class, sorted by class: the set is a longer one's beginning.
    let set = Textures.images(count: 60, split: .test)
    let order = (0..<10).flatMap { label in set.labels.indices.filter { Int(set.labels[$0]) == label }.prefix(3) }
    var batches = EvaluationImages(set.selecting(order), batchSize: 30).batches()
    let images = try #require(try batches.next()).student
    let (channels, similarity) = (try read("channels.svg"), try read("similarity.svg"))
    #expect(channels.texts.filter { $0.hasPrefix("teacher") } == ["teacher seed 1", "teacher seed 2"])
    #expect(similarity.texts.contains(set.classNames[0]) && channels.texts.contains(set.classNames[9]))
    let data = ImageData.textures(train: 10, test: 10)
    let networks = try ["a", "b"].map { name -> Network in
      let file = scratch.url.appending(path: "\(name)/weights.safetensors").path
      let network = try Networks.make("resnet-8", for: data).loaded(from: file)
      network.evaluate()
      return network
    }
    for (network, panel) in zip(networks, channels.panels) {
      let maps = network.activations(of: images, ActivationRequest(taps: ["stage3"])).tap("stage3")
      let (values, places) = (maps.elements(as: Float.self), maps.shape[2] * maps.shape[3])
      // 3 images of a class, each with 64 channels of so many places.
      let means = (0..<640).map { index -> Float in
        let (label, channel) = index.quotientAndRemainder(dividingBy: 64)
        let sum = (0..<3).reduce(0.0) { sum, image in
          let start = ((3 * label + image) * 64 + channel) * places
          return values[start..<start + places].reduce(sum) { $0 + Double($1) }
        }
        return Float(sum / Double(3 * places))
      }
      expect(panel, means, columns: 64, ColourScale(of: means))
    }
    let matrices = networks.map { network -> [Float] in
      let rows = network.activations(of: images, ActivationRequest(taps: ["stage2"])).tap("stage2")
      let (values, length) = (rows.elements(as: Float.self), rows.count / 30)
      let gram = (0..<30).map { i in
        (0..<30).map { j in
          (0..<length).reduce(0.0) { $0 + Double(values[i * length + $1]) * Double(values[j * length + $1]) }
        }
      }
      return gram.flatMap { row in
        let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { Float($0 / norm) }
      }
    }
    let shared = ColourScale(of: matrices.flatMap { $0 })
    for (matrix, panel) in zip(matrices, similarity.panels) { expect(panel, matrix, columns: 30, shared) }
  }

  /// Colours are in whole levels: what is summed in another order may fall on the other side of a half.
  private func expect(_ panel: PixelImage, _ values: [Float], columns: Int, _ scale: ColourScale) {
    #expect(panel.width == columns && panel.height == values.count / columns)
    let expected = values.map(scale.colour).flatMap { [$0.red, $0.green, $0.blue] }
    let furthest = zip(panel.bytes, expected).map { abs(Int($0) - Int($1)) }.max() ?? .max
    #expect(panel.bytes.count == expected.count && furthest <= 2, "\(furthest)")
  }

  @Test func aSweepIsDrawnOfWhatIsFinished() throws {
    #expect(try refusal("sweep", "study.yaml").contains("study: no run that sweeps is finished in runs; train them"))
    #expect(try refusal("sweep", "plain.yaml").contains("plain: no row sweeps one number"))
    try run("compare", "study.yaml", "--quiet")
    try FileManager.default.removeItem(at: scratch.url.appending(path: "runs/sp=200/seed-2"))
    let figure = try run("figure", "sweep", "study.yaml", "--output", "sweep.svg")
    #expect(
      figure.errors == """
        not finished in runs: sp=200 seed 2
        not drawn, since they do not sweep one number: names
        wrote sweep.svg

        """)
    func result(_ name: String) throws -> [String: Any] {
      let json = try JSONSerialization.jsonObject(with: try scratch.bytes("runs/\(name)/result.json"))
      return try #require(json as? [String: Any])
    }
    func accuracies(_ row: String, seeds: ClosedRange<Int>) throws -> [Double] {
      try seeds.map { try #require(try result("\(row)/seed-\($0)")["accuracyPercent"] as? Double) }
    }
    /// Of two, half their distance from the mean to both sides: the deviation is that times the root of 2.
    func words(_ row: String) throws -> String {
      let (first, second) = (try accuracies(row, seeds: 1...2)[0], try accuracies(row, seeds: 1...2)[1])
      let deviation = abs(first - second) / 2.0.squareRoot()
      return String(format: "%.3f ± %.3f", (first + second) / 2, deviation)
    }
    let weights = try (1...2).map { seed -> Double in
      let weights = try #require(try result("sp=auto/seed-\(seed)")["lossWeights"] as? [String: Any])
      return try #require(weights["sp"] as? Double)
    }
    let found = String(format: "%.3g", (weights[0] + weights[1]) / 2)
    let single = String(format: "%.3f", try accuracies("sp=200", seeds: 1...1)[0])
    let drawn = try read("sweep.svg")
    #expect(
      try drawn.description == """
        accuracy %, textures test over losses.sp.weight. \
        sp: 10: \(words("sp=10")), 200: \(single), auto (\(found)): \(words("sp=auto")); plain: \(words("plain"))
        """)
    for text in ["study", "Mean and standard deviation of 1 to 2 runs", "sp", "plain", "auto (\(found))", "100"] {
      #expect(drawn.texts.contains(text), "\(text) in \(drawn.texts)")
    }
    // What was trained otherwise is no part of the study.
    let other = try refusal("sweep", "study.yaml", "--epochs", "2")
    #expect(other.contains("runs/plain/seed-1 holds another run (there 'epochs: 1', here 'epochs: 2')"), "\(other)")
  }

  @Test func whatCannotBeDrawnIsSaidInALine() throws {
    try run("train", "teacher.yaml", "--out", "a", "--quiet")
    #expect(try refusal("similarity", "nowhere") == "Error: there is no file or run nowhere\n")
    #expect(try refusal("channels", "a", "plain.yaml").contains("plain.yaml"))
    #expect(
      try refusal("similarity", "a/weights.safetensors").contains("is one file of weights; name the folder of a run"))
    #expect(
      try refusal("similarity", "a", "--tap", "stage9").contains(
        "teacher seed 1: resnet-8 has no activation 'stage9'; did you mean 'stage3'?"))
    #expect(try refusal("similarity", "a", "--per-class", "1000").contains("choose with --per-class"))
    try FileManager.default.copyItem(at: scratch.url.appending(path: "a"), to: scratch.url.appending(path: "b"))
    let settings = try scratch.text("b/config.yaml").replacing("set: textures", with: "set: cifar-10")
    try scratch.write(settings, to: "b/config.yaml")
    #expect(try refusal("similarity", "a", "b").contains("a and b are of different images (textures, cifar-10)"))
  }
}

/// What stands in an SVG file.
private final class SVGReader: NSObject, XMLParserDelegate {
  private(set) var texts: [String] = []
  private(set) var words = ""
  private var images: [[String: String]] = []
  private var open: [String] = []

  init(_ data: Data) throws {
    super.init()
    let parser = XMLParser(data: data)
    parser.delegate = self
    guard parser.parse() else { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  /// The pictures that are as wide as high.
  func panels() throws -> [PixelImage] {
    try images.filter { $0["width"] == $0["height"] }.map { image in
      let data = try #require(image["href"].flatMap { Data(base64Encoded: String($0.dropFirst(22))) })
      return try data.withUnsafeBytes { try ImageDecoder.decode($0, channels: 3) }
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(name)
    if name == "image" { images.append(attributes) }
    if name == "text" { texts.append("") }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if open.last == "text" { texts[texts.count - 1] += text }
    if open.last == "desc" { words += text }
  }

  func parser(_ parser: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }
}
