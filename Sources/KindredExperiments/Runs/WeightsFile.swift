// A file of weights as people have them: a safetensors file, a PyTorch checkpoint or a run's folder, its names perhaps
// behind a prefix.

import Foundation
import Kindred
import KindredVision
import Torch

/// A network's weights in a file, of which only names and shapes have been read.
package struct WeightsFile {
  package let url: URL
  /// What the file says of itself.
  package let metadata: [String: String]
  /// What stood before every name and was taken off, such as `module.`; empty for none.
  package let prefix: String
  /// What it holds, by the names without the prefix.
  package let entries: [String: TensorEntry]
  private let file: TensorFile
  private let choice: String?
  private var shapes: [String: [Int]] { entries.mapValues(\.shape) }

  /// - Parameters:
  ///   - place: a safetensors file, a PyTorch checkpoint, or the folder of a finished run.
  ///   - key: which dictionary of a checkpoint to read where it holds several.
  ///   - wanted: which weights of a run.
  /// - Throws: `RunError` where there is none; `TensorFileError` for a damaged file.
  package init(_ place: URL, key: String? = nil, of wanted: RunWeights = .last) throws {
    guard FileManager.default.fileExists(atPath: place.path) else {
      throw RunError("there is no file or run \(place.displayName)")
    }
    guard let url = WeightsFile.location(place, of: wanted) else {
      guard wanted == .best else { throw RunFolder(place).notFinished }
      throw RunError("\(place.displayName) holds no weights-best.safetensors; leave --best out for the last weights")
    }
    guard wanted == .last || url != place else {
      throw RunError("\(place.displayName) is one file of weights; --best chooses among those in a run's folder")
    }
    file = try TensorFile(url, key: key)
    self.url = url
    metadata = file.metadata
    choice = url == place ? nil : RunFolder(place).remark(on: wanted, file.metadata)
    prefix = WeightsFile.prefix(of: file.entries.keys)
    let length = prefix.count
    entries = Dictionary(uniqueKeysWithValues: file.entries.map { (String($0.key.dropFirst(length)), $0.value) })
  }

  /// A tensor by its name without the prefix.
  /// - Throws: `TensorFileError` where it cannot be made.
  package func tensor(_ name: String) throws -> Tensor { try file.tensor(prefix + name) }

  /// Refuses a network that these are not the weights of.
  /// - Throws: `RunError` with the entry that does not fit.
  package func check(_ architecture: Architecture) throws { try load(into: try network(architecture)) }

  /// The networks of the zoo whose entries these are, names and shapes.
  package func fittingNetworks() throws -> [Architecture] {
    try Architecture.suggested.filter { architecture in
      // Building one takes time, and most have other counts of parameters.
      guard let ends = try? ends(of: architecture),
        architecture.parameterCount(classes: ends.classes, inputChannels: ends.inputChannels) == parameterCount
      else { return false }
      let network = try network(architecture)
      return network.state.allSatisfy { entries[$0.name]?.shape == $0.tensor.shape || $0.name.hasSuffix(tracked) }
    }
  }

  /// The numbers that training changes: all but batch norms' statistics.
  package var parameterCount: Int {
    entries.reduce(0) { count, entry in
      let isStatistic = ["running_mean", "running_var", tracked].contains { entry.key.hasSuffix($0) }
      return isStatistic ? count : count + entry.value.shape.reduce(1, *)
    }
  }

  private var tracked: String { "num_batches_tracked" }

  /// Whether something looks like weights: a folder, or a file of a kind that weights come in.
  package static func isWeights(_ place: URL) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else { return false }
    return isFolder.boolValue || TensorFile.isOne(place)
  }

  /// Where the weights lie: in a run's folder, or the file itself; nil where there are none.
  /// - Parameter wanted: which weights of a run.
  static func location(_ place: URL, of wanted: RunWeights = .last) -> URL? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else { return nil }
    return isFolder.boolValue ? RunFolder(place).file(of: wanted) : place
  }

  /// What all names begin with, up to a dot: wrappers such as DataParallel and `torch.compile` put themselves before them.
  /// No network of ours has entries that all lie in one part of it.
  private static func prefix(of names: some Collection<String>) -> String {
    guard let first = names.first else { return "" }
    var prefix = ""
    for part in first.split(separator: ".").dropLast() {
      let longer = prefix + part + "."
      guard names.allSatisfy({ $0.hasPrefix(longer) && $0.count > longer.count }) else { break }
      prefix = longer
    }
    return prefix
  }

  /// Which weights of a run were chosen, and what was done to the names, to be said; nil for nothing.
  package var remark: String? {
    let names = prefix.isEmpty ? nil : "\(name): '\(prefix)' was taken off the name of every entry"
    let remarks = [choice, names].compactMap { $0 }
    return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
  }

  /// The path as people write it.
  var name: String { url.displayName }

  /// What the header says of a network's inputs and outputs.
  /// - Throws: `RunError` where the file is not of such a network.
  func ends(of architecture: Architecture) throws -> (inputChannels: Int, classes: Int) {
    // An axis of length 0 would let the others be of any length in a file of no size; a classifier may be of no class.
    let ends = architecture.ends
    if let own = metadata["network"], own != architecture.name, Architecture(name: own) != nil {
      throw RunError("\(name) holds the weights of a \(own), as it says itself, and not of a \(architecture)")
    }
    guard let stem = shapes[own + ends.stem], stem.count == 4, !stem.contains(0),
      let head = shapes["\(own)\(ends.classifier).weight"], head.count == 2, head[1] > 0
    else { throw RunError("\(name) does not hold the weights of a \(architecture)") }
    return (stem[1], head[0])
  }

  /// What stands before the names of the network of the zoo, where more was made of it.
  private var own: String { shapes["projector.conv1.weight"] == nil ? "" : "student." }

  /// A network of the file's own kind, without its weights: one of the zoo, or one that SimKD has made more of.
  /// - Throws: `RunError` where the file is not of such a network.
  func network(_ architecture: Architecture) throws -> Network {
    let (inputChannels, classes) = try ends(of: architecture)
    return withModules(
      around: architecture.network(classes: classes, inputChannels: inputChannels, generator: Generator(seed: 0)))
  }

  /// A network with what SimKD makes a part of it, where these are the weights of such a one.
  func withModules(around network: Network) -> Network {
    ReusedClassifierNetwork(student: network, shapes: shapes, facts: metadata) ?? network
  }

  /// Loads the weights into a network, which keeps its own classifier where it is to be fresh.
  /// - Throws: `RunError` naming the entry that does not fit or is broken; `TensorFileError` for a damaged file.
  func load(into network: Network, freshClassifier: Bool = false) throws {
    var weights = try Dictionary(uniqueKeysWithValues: entries.keys.map { ($0, try tensor($0)) })
    if freshClassifier {
      let own = [network.classifier?.weight, network.classifier?.bias]
      for (name, tensor) in network.state where own.contains(where: { $0 === tensor }) {
        weights[name] = tensor.detached()
      }
    }
    do {
      try network.load(weights)
    } catch let error as StateError {
      throw RunError("\(name) does not fit the network: \(error)")
    } catch let error as BrokenEntry {
      throw RunError("\(name): \(error); no network can compute with that: take other weights, or train it again")
    }
  }
}
