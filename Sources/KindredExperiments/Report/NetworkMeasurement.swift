// What a report knows of a network beside its accuracy, as a run's folder keeps it.

import Foundation
import Kindred
import KindredVision
import Torch

/// A network's answers and activations on images of one set.
struct NetworkMeasurement: Codable {
  let name: String
  /// SHA-256 of its file of weights.
  let digest: String
  /// The class with the largest logit, an image each.
  let predictions: [Int]
  /// The probability of that class, in ten thousandths.
  let confidences: [Int]
  /// What it finds alike among a few images, sorted by class; nil where it names no stages.
  let similarity: Activation?
  /// A number for each class and channel of the same activation, classes one after another; nil where there are no channels.
  let channels: Activation?
  let latency: [Latency]

  /// Numbers from one activation.
  struct Activation: Codable {
    let tap: String
    /// The images, in the set of those that were measured.
    let images: [Int]
    /// 32-bit floating-point numbers, little-endian.
    let data: Data

    init(tap: String, images: [Int], values: [Float]) {
      (self.tap, self.images) = (tap, images)
      data = values.reduce(into: Data()) { data, value in
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
      }
    }

    var values: [Float] {
      data.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
          Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
    }
  }

  /// Runs a network on images; on none where they have no classes, so that its time alone is known.
  /// - Parameter shown: the network, and the images that are measured as it sees them.
  /// - Throws: `DataError` naming a file that cannot be read.
  init(_ shown: ShownNetwork, digest: String) throws {
    (name, self.digest) = (shown.name, digest)
    latency = Latency.measured(of: shown)
    guard shown.hasClasses, shown.images.count > 0 else {
      (predictions, confidences, similarity, channels) = ([], [], nil, nil)
      return
    }
    var (predictions, confidences) = ([Int](), [Int]())
    var batches = EvaluationImages(shown.images).batches()
    while let batch = try batches.next() {
      let (best, sure) = withoutGradients {
        let probabilities = shown.network.activations(of: batch.student, .logits).requiredLogits().to(.float32).softmax(
          1)
        return (probabilities.argmax(1), probabilities.maximum([1]))
      }
      predictions += best.elements(as: Int64.self).map(Int.init)
      confidences += sure.elements(as: Float.self).map { $0.isFinite ? Int(($0 * 10_000).rounded()) : 0 }
    }
    (self.predictions, self.confidences) = (predictions, confidences)
    guard let tap = shown.lastStage else {
      (similarity, channels) = (nil, nil)
      return
    }
    let compared = Self.comparedImages(of: shown.images)
    similarity =
      compared.count < 2
      ? nil : Activation(tap: tap, images: compared, values: try shown.similarities(of: compared, at: tap))
    let shape = try shown.shape(at: tap)
    let averaged = shown.images.order(perClass: Self.channelImages)
    channels =
      [1, 3].contains(shape.count)
      ? Activation(tap: tap, images: averaged, values: try shown.channelMeans(of: averaged, at: tap)) : nil
  }

  /// As many images of each class as give about a hundred, and of more classes the first hundred.
  private static func comparedImages(of images: ImageSet) -> [Int] {
    Array(images.order(perClass: max(1, min(10, 100 / max(images.classNames.count, 1)))).prefix(100))
  }

  /// The images of a class that channels are averaged over, at most.
  private static let channelImages = 50
}

extension ShownNetwork {
  /// The name of the last stage; nil where the network names none.
  var lastStage: String? { comparedTaps.last { $0 != Activations.pooledName } }
}
