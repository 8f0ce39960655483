// A trained network as an ONNX file: what is written, and that it computes what the network does.

import Files
import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// Writes a run's network as an ONNX file.
package struct StudentExport {
  /// What the file takes.
  package enum Input: String, CaseIterable, Sendable {
    /// Normalised images.
    case normalized
    /// Numbers from 0 to 1.
    case unit
    /// Bytes' values from 0 to 255.
    case bytes
  }

  /// What the file computes in.
  package enum Precision: String, CaseIterable, Sendable {
    case float32, float16, int8
  }

  /// How a file differs from its network.
  package enum Difference {
    /// The greatest difference of a logit, or of what a network without classes gives, for random images, relative to the
    /// largest one.
    case logits(Double)
    /// What fewer bits cost.
    case cost(QuantizationCost)
  }

  private let stored: StoredNetwork
  private let weights: URL
  private let images: ImageSet
  private let input: Input
  private let taps: [String]

  /// - Parameters:
  ///   - weights: the run's folder or file of weights that `stored` was read from.
  ///   - images: of the set that the network is for: their shape, classes, mean and deviation.
  package init(_ stored: StoredNetwork, weights: URL, images: ImageSet, input: Input, taps: [String]) {
    self.stored = stored
    self.weights = weights
    self.images = images
    self.input = input
    self.taps = taps.isEmpty && stored.classes == 0 ? ["pooled"] : taps
  }

  /// Writes the file in float32, after it was read again and what both give for random images was compared.
  /// - Throws: `RunError` where the network has no such tap, the file cannot be written, or it gives something else.
  package func write(to file: URL) throws -> Difference {
    let data = try data(.float32)
    let difference = try reading(data, called: file) { self.difference(of: $0) }
    guard difference < 1e-3 else {
      throw RunError(
        "the file would give something else than the network (by \(difference) of the largest); it is not written")
    }
    try put(data, file)
    return .logits(difference)
  }

  /// Writes the file in fewer bits, after it was read again and what that costs was measured.
  /// - Throws: `RunError` where it costs too much, or as `write(to:)`.
  package func write(to file: URL, in precision: QuantizationCost.Precision, _ trial: ExportTrial) throws -> Difference
  {
    guard stored.classes > 0 else {
      throw RunError(
        "\(weights.displayName): what fewer bits cost is measured by classes, and it has none; use float32")
    }
    let form = try form(precision, trial)
    let cost = try reading(try data(form), called: file) { try trial.cost(of: $0, precision, beside: stored.network) }
    try put(try data(form, ["precision": precision.rawValue, "cost": "\(cost)"]), file)
    return .cost(cost)
  }

  private func form(_ precision: QuantizationCost.Precision, _ trial: ExportTrial) throws -> ONNXExport.Precision {
    guard precision == .int8 else { return .float16 }
    return try refused {
      .int8(try stored.network.graph(of: images.shape).ranges(on: trial.calibration.map(\.student), exporting: taps))
    }
  }

  /// The file's bytes.
  private func data(_ precision: ONNXExport.Precision, _ facts: [String: String] = [:]) throws -> Data {
    let export = ONNXExport(
      input: givenInput, precision: precision, taps: taps, metadata: metadata.merging(facts) { $1 })
    return try refused { try stored.network.graph(of: images.shape).onnx(export) }
  }

  private func refused<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ONNXExportError {
      throw RunError("\(weights.displayName): \(error)")
    } catch let error as QuantizationError {
      throw RunError("\(weights.displayName): \(error)")
    }
  }

  /// Reads bytes as a file, before there is one.
  private func reading<Result>(_ data: Data, called name: URL, _ body: (StoredONNX) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindred-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let trial = folder.appending(path: name.lastPathComponent)
    try data.write(to: trial)
    return try body(StoredONNX(trial, set: images))
  }

  private func put(_ data: Data, _ file: URL) throws {
    do {
      try AtomicFile.write(data, to: file)
    } catch {
      throw RunError("\(file.displayName) cannot be written: \(error)")
    }
  }

  private var givenInput: ONNXExport.Input {
    switch input {
    case .normalized: .normalized
    case .unit: .unit(mean: images.mean, deviation: images.deviation)
    case .bytes: .bytes(mean: images.mean, deviation: images.deviation)
    }
  }

  private var metadata: [String: String] {
    var facts = [
      "input": input.rawValue, "data": images.name, "mean": json(images.channelMean),
      "deviation": json(images.channelDeviation), "classes": json(images.classNames), "kindred.version": kindredVersion,
      "network": stored.name, "size": "\(images.width)",
      "resize": "\(images.usualEvaluatedSide(images.width))",
    ]
    facts["split"] = stored.settings?.data.split.map { "\($0)" }
    facts["weights.sha256"] = try? Digest.sha256.hex(of: stored.weights)
    return facts
  }

  private func json(_ value: some Encodable) -> String {
    (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private func difference(of exported: StoredONNX) -> Double {
    let batch = Generator(seed: 1).normal([8] + images.shape)
    return withoutGradients {
      // A file's first output is what a reader takes for logits.
      let own =
        stored.classes > 0
        ? stored.network.activations(of: batch, .logits).requiredLogits()
        : stored.network.activations(of: batch, ActivationRequest(taps: [taps[0]])).tap(taps[0])
      let others = exported.network.activations(of: batch, .logits).requiredLogits()
      return (own - others).abs().maximum().item / max(own.abs().maximum().item, 1e-12)
    }
  }
}

extension ImageSet {
  fileprivate var mean: [Double] { channelMean.map(Double.init) }
  fileprivate var deviation: [Double] { channelDeviation.map(Double.init) }
}

/// A network in an ONNX file, made to take normalised images whatever the file takes.
package struct StoredONNX {
  package let network: Network
  package let classes: Int
  /// The convolutions that work in fewer bits than float32.
  let reducedConvolutions: QuantizationCount

  /// The data set that a file says it is for.
  /// - Throws: `ONNXError`.
  package static func data(of file: URL) throws -> String? { try ONNXFile.metadata(of: file)["data"] }

  /// Images of one's own in the form that a file of Kindred's says it is for; nil where it does not say that.
  /// - Throws: `ONNXError`.
  package static func ownImages(of file: URL) throws -> Configuration.Images? {
    let metadata = try ONNXFile.metadata(of: file)
    func list<Item: Decodable>(_ key: String) -> [Item]? {
      metadata[key].flatMap { try? JSONDecoder().decode([Item].self, from: Data($0.utf8)) }
    }
    guard let classes: [String] = list("classes"), let mean: [Double] = list("mean"),
      let deviation: [Double] = list("deviation")
    else { return nil }
    var images = Configuration.Images(train: nil)
    (images.classNames, images.mean, images.deviation) = (classes, mean, deviation)
    (images.size, images.channels) = (metadata["size"].flatMap { Int($0) }, mean.count)
    images.testResize = metadata["resize"].flatMap { Int($0) }
    images.split = metadata["split"].flatMap { Int($0) }
    return images
  }

  /// - Parameter set: the images that it is to take.
  /// - Throws: `ONNXError`; `RunError` for a file that says something else of its input than Kindred knows.
  package init(_ file: URL, set: ImageSet) throws {
    let read = try ONNXFile(file, inputShape: set.shape)
    var graph = read.graph
    try StudentExport.Input(of: read).undoNormalization(of: set, before: &graph)
    network = GraphNetwork(graph)
    network.freeze()
    network.evaluate()
    reducedConvolutions = graph.reducedConvolutions
    classes = graph.logits.flatMap { graph.shapes[$0]?.last } ?? 0
  }
}

extension StudentExport.Input {
  /// As a file's metadata say; normalised images where they say nothing.
  /// - Throws: `RunError` for a word that is not known.
  init(of file: ONNXFile) throws {
    let word = file.metadata["input"] ?? Self.normalized.rawValue
    guard let input = Self(rawValue: word) else {
      throw RunError("\(file.url.displayName) takes '\(word)', which is none of normalized, unit and bytes")
    }
    self = input
  }

  /// Makes a network that takes this take normalised images.
  func undoNormalization(of images: ImageSet, before graph: inout Graph) {
    switch self {
    case .normalized: break
    case .unit: graph.denormalize(mean: images.mean, deviation: images.deviation, scale: 1)
    case .bytes: graph.denormalize(mean: images.mean, deviation: images.deviation, scale: 255)
    }
  }
}
