// A teacher as somebody names it in a word or a file, and what a study says of it.

import Files
import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// The teacher of a study that is to be written.
package enum GivenTeacher: Sendable, Equatable {
  /// A network of the zoo, to be trained first.
  case trained(Architecture)
  /// A network of the zoo and its weights, in a file or a run's folder.
  case weights(Architecture, ConfiguredFile)
  /// A network in an ONNX file.
  case onnx(ConfiguredFile)
  /// A file of another program's, and where in its result things lie.
  case exported(ConfiguredFile, outputs: [Output])

  /// A name that losses know, and the place of a value in what a file gives.
  package struct Output: Sendable, Equatable {
    let name: String
    let place: String
  }

  /// - Parameters:
  ///   - text: a name of the zoo, or the path of an ONNX file, of weights, of a run's folder or of an exported network.
  ///   - network: whose weights these are, where the file does not tell.
  /// - Throws: `RunError` for what is neither, or weights that do not tell their network.
  package init(_ text: String, network: String? = nil) throws {
    if let architecture = Architecture(name: text) {
      guard network == nil else { throw RunError("\(text) is a network itself; --teacher-network is for weights") }
      self = .trained(architecture)
      return
    }
    let file = ConfiguredFile(typed: text)
    guard FileManager.default.fileExists(atPath: file.url.path) else {
      let advice = Spelling.advice(
        for: text, among: Architecture.suggestedNames, else: "'kindred networks' lists the networks there are")
      throw RunError("there is no file and no network '\(text)'; \(advice)")
    }
    if ONNXFile.isOne(file.url) {
      self = .onnx(file)
    } else if WeightsFile.isWeights(file.url), let weights = try? WeightsFile(file.url) {
      self = .weights(try GivenTeacher.network(of: weights, file, named: network), file)
    } else {
      self = .exported(file, outputs: [])
    }
  }

  private static func network(
    of weights: WeightsFile, _ file: ConfiguredFile, named name: String?
  ) throws -> Architecture {
    if let name {
      let network = try Architecture(named: name)
      try weights.check(network)
      return network
    }
    if let said = weights.metadata["network"].flatMap({ Architecture(name: $0) }) { return said }
    let fitting = try weights.fittingNetworks()
    guard let network = fitting.first, fitting.count == 1 else {
      let which = fitting.isEmpty ? "no network of the zoo" : fitting.map(\.name).joined(separator: " and ")
      throw RunError(
        "\(file.url.displayName) fits \(which); "
          + (fitting.isEmpty ? "export the network to ONNX, and name that file" : "say which with --teacher-network"))
    }
    return network
  }

  /// What it is called.
  package var title: String {
    switch self {
    case .trained(let network), .weights(let network, _): network.name
    case .onnx(let file), .exported(let file, _): file.url.lastPathComponent
    }
  }

  /// The side of the images that its file wants; nil where it takes any, or does not say.
  package func imageSize() throws -> Int? {
    switch self {
    case .trained, .exported: nil
    case .weights(let network, _): network.family.imageSize
    case .onnx(let file):
      try ONNXFile(file.url, openSize: Configuration.Images.usualSize).declaredInput.last.flatMap { Int($0) }
    }
  }

  /// Its section of a configuration, on one line.
  func yaml(in folder: URL) -> String {
    func path(_ file: ConfiguredFile) -> String { YAMLWriter.quoted(file.path(in: folder)) }
    switch self {
    case .trained: return "{config: \(NewStudy.teacherFile)}"
    case .weights(let network, let file): return "{network: \(network.name), weights: \(path(file))}"
    case .onnx(let file): return "{onnx: \(path(file))}"
    case .exported(let file, let outputs):
      let places = outputs.map { "\($0.name): \($0.place)" }.joined(separator: ", ")
      return "{exported: \(path(file)), outputs: {\(places)}}"
    }
  }

  /// The same with names for what an exported file gives for images of a shape: the logits, its maps as stages, a vector beside
  /// the logits as the pooled one.
  /// - Throws: `RunError` for a file that cannot be read, does not take such images, or gives nothing to learn from.
  func opened(image: [Int], classes: Int) throws -> GivenTeacher {
    guard case .exported(let file, _) = self else { return self }
    let model: ExportedOutputs
    do {
      model = try withTorchErrors { try ExportedModel(file.url)(.zeros([2] + image)) }
    } catch let error as ExportedModelError {
      throw RunError("\(file.url.displayName): \(error.problem)")
    }
    let outputs = GivenTeacher.named(model, classes: classes)
    guard !outputs.isEmpty else {
      throw RunError("\(file.url.displayName) gives no logits and no maps for images of \(image[1]) x \(image[2])")
    }
    return .exported(file, outputs: outputs)
  }

  private static func named(_ result: ExportedOutputs, classes: Int) -> [Output] {
    var outputs: [Output] = []
    let shapes = result.tensors.map { $0.isFloatingPoint ? $0.shape : [] }
    let vectors = shapes.indices.filter { shapes[$0].count == 2 }
    let logits = vectors.first { shapes[$0][1] == classes } ?? vectors.first
    var stages = 0
    for index in shapes.indices {
      let place = result.isDictionary ? YAMLWriter.quoted(result.names[index]) : "\(index)"
      if index == logits {
        outputs.append(Output(name: Activations.logitsName, place: place))
      } else if shapes[index].count == 4 {
        stages += 1
        outputs.append(Output(name: "stage\(stages)", place: place))
      } else if vectors.contains(index), !outputs.contains(where: { $0.name == Activations.pooledName }) {
        outputs.append(Output(name: Activations.pooledName, place: place))
      }
    }
    return outputs
  }
}

extension ConfiguredFile {
  /// A path of the command line: relative ones stay so, from wherever the configuration lies.
  package init(typed path: String) {
    self.init(
      URL(filePath: (path as NSString).expandingTildeInPath).standardizedFileURL,
      isRelative: !path.hasPrefix("/") && !path.hasPrefix("~"))
  }
}
