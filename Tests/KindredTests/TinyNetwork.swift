// A network and batches small enough to train in a test.

import Foundation
import Graph
import Kindred
import Torch

/// convolution -> batch norm -> ReLU (`stage1`) -> the same (`stage2`) -> pooling (`pooled`) -> linear, on 2 x 6 x 6
/// images.
final class TinyNetwork: Network {
  static let classes = 3

  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let fc: Linear

  init(_ channels: Int, seed: UInt64) {
    let generator = Generator(seed: seed)
    conv1 = Convolution(2, channels, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    bn1 = BatchNorm(channels)
    conv2 = Convolution(channels, 2 * channels, kernel: 3, .init(stride: 2, padding: 1), generator: generator)
    bn2 = BatchNorm(2 * channels)
    fc = Linear(2 * channels, TinyNetwork.classes, generator: generator)
  }

  override var classifier: Linear? { fc }

  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    let stage1 = bn1(conv1(input)).relu()
    taps["stage1"] = stage1
    let stage2 = bn2(conv2(stage1)).relu()
    taps["stage2"] = stage2
    let pooled = stage2.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    taps["pooled"] = pooled
    return fc(pooled)
  }

  /// With running statistics that a few batches have moved.
  func warmedUp() -> TinyNetwork {
    train()
    for index in 0..<3 {
      let batch = TinyBatches.batch(at: BatchPosition(epoch: 100, batch: index))
      _ = withoutGradients { activations(of: batch.student, .logits) }
    }
    return self
  }
}

/// Random images whose class is the channel and half that is brighter: a pure function of the position. Those of one
/// batch of an epoch are the same samples as in any other.
struct TinyBatches: BatchSource {
  let batchesPerEpoch = 4
  let batchSize = 6
  /// The number of inputs in an epoch's last batch.
  var lastBatchSize = 6
  var epochs = 3
  /// Where images turn into NaN, if anywhere.
  var broken: BatchPosition?
  var device = Device.cpu
  /// Whether targets are mixed, in other shares with each batch.
  var mixes = false

  static func batch(at position: BatchPosition) -> Batch {
    let generator = Generator(seed: UInt64(1000 * position.epoch + position.batch))
    let labels = generator.permutation(6).elements(as: Int64.self).map { $0 % Int64(TinyNetwork.classes) }
    let noise = generator.normal([6, 2, 6, 6])
    let signal = Tensor(labels.map { Float($0) - 1 }, shape: [6, 1, 1, 1])
    return Batch(
      noise + signal, labels: Tensor(labels, shape: [6]), indices: Tensor.arange(6) + Double(6 * position.batch),
      position: position)
  }

  /// On batches that none is trained on.
  static func evaluate(_ network: Network) -> Evaluation {
    let batches = (0..<2).map { batch(at: BatchPosition(epoch: 200, batch: $0)) }
    // Batches in memory, with which nothing can be wrong.
    return try! network.evaluation(on: batches.makeIterator(), classCount: TinyNetwork.classes)
  }

  func batches(from start: BatchPosition) -> any BatchIterator {
    var position = start
    return AnyIterator {
      if position.batch == batchesPerEpoch { position = BatchPosition(epoch: position.epoch + 1) }
      guard position.epoch < epochs else { return nil }
      defer { position.batch += 1 }
      var batch = TinyBatches.batch(at: position)
      if position.batch == batchesPerEpoch - 1, lastBatchSize < batchSize {
        batch = Batch(
          batch.student.narrowed(0, 0..<lastBatchSize), labels: batch.labels?.narrowed(0, 0..<lastBatchSize),
          indices: batch.indices.narrowed(0, 0..<lastBatchSize), position: position)
      }
      if position == broken {
        batch = Batch(batch.student * .nan, labels: batch.labels, indices: batch.indices, position: position)
      }
      if mixes {
        let share = 0.5 + Double(position.epoch * batchesPerEpoch + position.batch) / 32
        batch.mixing = Batch.Mixing(labels: batch.requiredLabels().flipped([0]), share: .full([], share))
      }
      return batch.moved(to: device)
    }
  }
}
