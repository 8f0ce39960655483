// The paper's figures of activations: similarity matrices of a batch, and channels' means by class.

import Kindred
import KindredReport
import KindredVision
import Torch

extension ShownNetworks {
  /// What each network finds alike in a batch with the same number of images of every class, sorted by class: the
  /// row-normalised Gram matrices, side by side.
  /// - Parameters:
  ///   - tap: nil for each network's last stage.
  ///   - perClass: how many images of each class, the first of the set; nil for 12, and fewer of many classes.
  /// - Throws: `RunError` for a tap that is not there, or more images than a figure shows; `DataError` naming a file that
  ///   cannot be read.
  package func similarity(at tap: String? = nil, perClass: Int? = nil) throws -> SVGDocument {
    let classes = images.classNames.count
    let order = images.order(perClass: perClass ?? max(1, min(12, Self.usualCount / max(classes, 1))))
    guard (2...Self.largestCount).contains(order.count) else {
      throw RunError(
        "\(order.count) images of \(classes) classes; a figure shows from 2 to \(Self.largestCount): choose with --per-class"
      )
    }
    let labels = order.map { Int(images.labels[$0]) }
    let panels = try networks.map { network in
      (title: network.title, matrix: try network.similarities(of: order, at: tap))
    }
    let starts = SimilarityPicture.classStarts(ofSorted: labels)
    let picture = SimilarityPicture(
      panels: panels, size: order.count, of: "\(images.name) test images", classStarts: starts,
      classNames: starts.map { images.classNames[labels[$0]] })
    return picture.draw()
  }

  /// How much each channel answers to each class: its mean over an image's places, then over the images of a class.
  /// - Parameters:
  ///   - tap: nil for each network's last stage.
  ///   - perClass: how many images of each class at most, the first of the set; nil for all.
  /// - Throws: `RunError` for a tap that is not there or has no channels; `DataError` naming a file that cannot be read.
  package func channels(at tap: String? = nil, perClass: Int? = nil) throws -> SVGDocument {
    let order = images.order(perClass: perClass ?? .max)
    let panels = try networks.map { network in
      (title: network.title, means: try network.channelMeans(of: order, at: tap))
    }
    let picture = ChannelPicture(
      panels: panels, of: "\(order.count) \(images.name) test images", classNames: images.classNames)
    return picture.draw()
  }

  /// As many images as a figure of similarities shows unless it is told otherwise.
  private static let usualCount = 240
  /// A million entries.
  private static let largestCount = 1000
}

extension ShownNetwork {
  /// The row-normalised Gram matrix of images' activations.
  /// - Parameter tap: nil for the last stage.
  /// - Throws: as `forEachBatch`.
  func similarities(of indices: [Int], at tap: String?) throws -> [Float] {
    var batches: [Tensor] = []
    try forEachBatch(of: indices, at: tap) { activations, _ in batches.append(activations) }
    return similarityMatrix(.concatenated(batches)).elements(as: Float.self)
  }

  /// Means of channels: a number for each class and channel, classes one after another. Not a number for a class without
  /// images.
  func channelMeans(of indices: [Int], at tap: String?) throws -> [Float] {
    let shape = try shape(at: tap)
    guard let channels = shape.first, shape.count == 1 || shape.count == 3 else {
      let words = shape.map(String.init).joined(separator: " x ")
      throw RunError("\(title): '\(tap ?? "")' is \(words), which has no channels; choose maps or a vector with --tap")
    }
    var sums = [Double](repeating: 0, count: images.classNames.count * channels)
    var counts = [Double](repeating: 0, count: images.classNames.count)
    try forEachBatch(of: indices, at: tap) { activations, places in
      let means = (shape.count == 3 ? activations.mean([2, 3]) : activations).elements(as: Double.self)
      for (row, place) in places.enumerated() {
        let label = Int(images.labels[indices[place]])
        counts[label] += 1
        for channel in 0..<channels { sums[label * channels + channel] += means[row * channels + channel] }
      }
    }
    return sums.indices.map { Float(sums[$0] / counts[$0 / channels]) }
  }
}
