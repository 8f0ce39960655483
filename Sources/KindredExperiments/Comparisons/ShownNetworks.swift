// Trained networks side by side on the same images, each with the view of them that it was trained for.

import Foundation
import Kindred
import KindredVision
import Torch

/// A trained network, and the images of a figure as it sees them.
package struct ShownNetwork {
  /// What the figure calls it.
  package let title: String
  let network: Network
  /// All test images of the run's data set.
  let images: ImageSet
  /// The network's name, for messages.
  let name: String

  /// The activations of images at a tap, a batch at a time.
  /// - Parameters:
  ///   - indices: which images.
  ///   - tap: nil for the last stage.
  ///   - body: is given a batch's activations (n x ...) and the places in `indices` that they belong to.
  /// - Throws: `RunError` for a tap that is not there; `DataError` naming a file that cannot be read.
  func forEachBatch(of indices: [Int], at tap: String?, _ body: (Tensor, Range<Int>) -> Void) throws {
    let tap = try self.tap(named: tap)
    var batches = EvaluationImages(images.selecting(indices), batchSize: 64).batches()
    var start = 0
    while let batch = try batches.next() {
      let activations = withoutGradients {
        network.activations(of: batch.student, ActivationRequest(taps: [tap])).tap(tap)
      }
      body(activations, start..<start + activations.shape[0])
      start += activations.shape[0]
    }
  }

  /// Whether it gives logits.
  var hasClasses: Bool { description.classes.map { $0 > 0 } ?? false }

  /// The stages and what follows them, as far as the network has them, by their names.
  var comparedTaps: [String] { description.stages + ([Activations.pooledName].filter { description.taps[$0] != nil }) }

  /// The shape of an activation, without the batch's axis.
  /// - Throws: `RunError` for a tap that is not there.
  func shape(at tap: String?) throws -> [Int] {
    let tap = try self.tap(named: tap)
    return description.shape(of: tap) ?? []
  }

  private var description: NetworkDescription { network.description(name: name, inputShape: images.shape) }

  private func tap(named wanted: String?) throws -> String {
    let description = description
    let taps = description.taps.keys.sorted()
    guard let wanted else {
      guard let last = description.stages.last else {
        throw RunError("\(title): \(name) names no stages; choose with --tap among \(taps.joined(separator: ", "))")
      }
      return last
    }
    guard description.shape(of: wanted) != nil else {
      let advice = Spelling.advice(for: wanted, among: taps, else: "it has \(taps.joined(separator: ", "))")
      throw RunError("\(title): \(name) has no activation '\(wanted)'; \(advice)")
    }
    return wanted
  }
}

/// The networks of a figure. They see the same images.
package struct ShownNetworks {
  let networks: [ShownNetwork]
  /// What is to be said of how the weights were chosen, a line each.
  package let remarks: [String]

  /// - Parameters:
  ///   - folders: runs' folders.
  ///   - wanted: which weights of each run.
  ///   - library: has the images.
  ///   - found: a run's images where they lie now.
  /// - Throws: `RunError` for a folder that is no finished run, or runs of different images; `DataError`; as `StoredNetwork`.
  package init(
    runs folders: [URL], of wanted: RunWeights = .last, library: ImageLibrary,
    found: (Configuration.Images) -> Configuration.Images = { $0 }
  ) throws {
    let runs = try folders.map { folder in
      let stored = try StoredNetwork(folder, of: wanted)
      guard let settings = stored.settings else {
        throw RunError("\(folder.displayName) is one file of weights; name the folder of a run, which knows its images")
      }
      return (folder: folder, stored: stored, settings: settings)
    }
    if let first = runs.first,
      let other = runs.first(where: { !$0.settings.data.isTestedOnImages(of: first.settings.data) })
    {
      throw RunError(
        "\(first.folder.displayName) and \(other.folder.displayName) are of different images "
          + "(\(first.settings.data.name), \(other.settings.data.name)); a figure shows networks on the same ones")
    }
    if let run = runs.first(where: { !$0.settings.data.areMeasured }) {
      throw RunError("\(run.folder.displayName): \(run.settings.data.name) has no images with a class to sort by")
    }
    let titles = Self.titles(runs.map { ($0.settings, $0.folder) })
    networks = try zip(runs, titles).map { run, title in
      let images = try library.load(found(run.settings.data), .test)
      return ShownNetwork(title: title, network: run.stored.network, images: images, name: run.stored.name)
    }
    remarks = runs.compactMap(\.stored.remark)
    guard let first = networks.first else { return }
    guard first.images.isLabelled else { throw RunError("\(first.images.name): has images without a class to sort by") }
    if let other = networks.first(where: { $0.images.labels != first.images.labels }) {
      throw RunError("\(first.title) and \(other.title) are of different images of \(first.images.name)")
    }
  }

  /// The images' classes and names, as all networks know them.
  var images: ImageSet {
    guard let first = networks.first else { preconditionFailure("a figure shows a network") }
    return first.images
  }

  /// Short names that are different: the configurations' with the seeds, or the folders'.
  private static func titles(_ runs: [(settings: Configuration, folder: URL)]) -> [String] {
    let titles = runs.map { settings, _ in "\(settings.name) \(settings.repetition.replacing("-", with: " "))" }
    return Set(titles).count == runs.count ? titles : runs.map(\.folder.displayName)
  }
}

extension ImageSet {
  /// The first images of each class, sorted by class.
  func order(perClass: Int) -> [Int] {
    var ofClass = [[Int]](repeating: [], count: classNames.count)
    for (index, label) in labels.enumerated() where label >= 0 && ofClass[Int(label)].count < perClass {
      ofClass[Int(label)].append(index)
    }
    return ofClass.flatMap { $0 }
  }
}

extension Configuration.Images {
  /// Whether the test images are the same, as whoever sees them.
  fileprivate func isTestedOnImages(of other: Self) -> Bool {
    hasImages(of: other) && !isDivided(unlike: other)
      && test?.url.standardizedFileURL == other.test?.url.standardizedFileURL
  }
}
