// Batches of inputs as tensors, and where they come from.

import Torch

/// A batch of N inputs.
public struct Batch {
  /// What the student sees: N x C x H x W (or any other shape that networks take), on the device of the run.
  public let student: Tensor
  /// What the teacher sees: the same tensor, unless it is told more than the student.
  public let teacher: Tensor
  /// N, int64: the class of each input, of a mixed one that of its larger part; -1 for one without, nil where no input has
  /// one.
  public let labels: Tensor?
  /// N, int64: which samples of the set these are.
  public let indices: Tensor
  /// What inputs are mixed of, where they are: see `labels` for the larger part.
  public package(set) var mixing: Mixing?
  /// Where in the run the batch stands.
  public let position: BatchPosition
  /// What losses prepared for the batch, by the term's id and a key of its own, such as `crd.negatives`.
  public package(set) var extras: [String: Tensor] = [:]
  /// Of which batch these are a rank's rows, where several processes share it; nil for the whole of it.
  public package(set) var part: Part?

  /// A rank's share in a batch, and what every rank knows of the whole of it without seeing the inputs.
  public struct Part {
    /// Whose share it is.
    public let rank: Rank
    /// As the batch's, of all inputs.
    public let indices: Tensor
    /// As the batch's, of all inputs.
    public let labels: Tensor?
    /// How many of the rank's inputs have a class, and how many of all.
    public let labelled: (own: Int, whole: Int)

    /// A rank's share: its inputs are `rank.rows(of:)` of the whole.
    public init(_ rank: Rank, indices: Tensor, labels: Tensor?, labelled: (own: Int, whole: Int)) {
      (self.rank, self.indices, self.labels, self.labelled) = (rank, indices, labels, labelled)
    }

    /// How many inputs there are in all.
    public var count: Int { indices.shape[0] }
  }

  /// The smaller parts of mixed inputs. Labels and indices of the batch are those of the larger parts.
  public struct Mixing {
    /// N, int64: the class of each smaller part, -1 for one without.
    public let labels: Tensor
    /// The share of the larger parts, from 0.5 to 1: a scalar, the same for all inputs.
    public let share: Tensor

    /// Classes of the smaller parts, and the share of the larger ones.
    public init(labels: Tensor, share: Tensor) { (self.labels, self.share) = (labels, share) }

    /// Each tensor replaced.
    func map(_ change: (Tensor) -> Tensor) -> Mixing { Mixing(labels: change(labels), share: change(share)) }
  }

  /// A batch of which the teacher sees what the student sees, unless it is given something else.
  public init(
    _ student: Tensor, teacher: Tensor? = nil, labels: Tensor?, indices: Tensor? = nil, position: BatchPosition
  ) {
    self.student = student
    self.teacher = teacher ?? student
    self.labels = labels
    self.indices = indices ?? .arange(student.shape[0], device: student.device)
    self.position = position
  }

  /// The same on a device.
  package func moved(to device: Device) -> Batch {
    guard student.device != device else { return self }
    let onDevice = student.to(device: device)
    var batch = Batch(
      onDevice, teacher: teacher === student ? onDevice : teacher.to(device: device),
      labels: labels?.to(device: device),
      indices: indices.to(device: device), position: position)
    batch.extras = extras.mapValues { $0.to(device: device) }
    batch.mixing = mixing?.map { $0.to(device: device) }
    batch.part = part.map {
      Part(
        $0.rank, indices: $0.indices.to(device: device), labels: $0.labels?.to(device: device), labelled: $0.labelled)
    }
    return batch
  }

  /// N, the number of inputs.
  public var count: Int { student.shape[0] }

  /// The number of inputs of all ranks.
  public var wholeCount: Int { part?.count ?? count }

  /// The batch of all ranks, whose inputs themselves no rank has: in their place stand zeros.
  var whole: Batch {
    guard let part else { return self }
    let shape = [Int](repeating: 1, count: student.shape.count)
    let nothing = Tensor.zeros(shape, device: student.device).expanded([part.count] + student.shape.dropFirst())
    return Batch(nothing, labels: part.labels, indices: part.indices, position: position)
  }

  /// The labels, which the data must have.
  public func requiredLabels() -> Tensor {
    guard let labels else { preconditionFailure("the data have no labels") }
    return labels
  }
}

/// A place in the sequence of batches, both counted from 0.
public struct BatchPosition: Sendable, Hashable, Codable {
  /// Counted from 0.
  public var epoch: Int
  /// Within the epoch, counted from 0.
  public var batch: Int

  /// A position; the first one of a run by default.
  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}

/// The training batches of a run. The same position always gives the same batch.
public protocol BatchSource {
  /// The number of batches in an epoch.
  var batchesPerEpoch: Int { get }
  /// The number of inputs in a batch; an epoch's last one may have fewer.
  var batchSize: Int { get }

  /// The part of each batch that has classes, of which alone a training accuracy can be told; all of it for most.
  var labelledShare: Double { get }

  /// The batches from a position to the run's end, in order.
  func batches(from start: BatchPosition) -> any BatchIterator
}

extension BatchSource {
  public var labelledShare: Double { 1 }
}

/// Batches, one after another.
public protocol BatchIterator {
  /// The next one; nil after the last.
  /// - Throws: what is wrong with the data, such as a file that cannot be read.
  mutating func next() throws -> Batch?
}

extension BatchIterator {
  /// The first batches, as many as there are up to a count.
  package mutating func prefix(_ count: Int) throws -> [Batch] {
    var batches: [Batch] = []
    while batches.count < count, let batch = try next() { batches.append(batch) }
    return batches
  }
}

extension IndexingIterator: BatchIterator where Elements.Element == Batch {}
extension AnyIterator: BatchIterator where Element == Batch {}
