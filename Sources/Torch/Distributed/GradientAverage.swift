// The gradients of all processes' rows, averaged while the backward pass goes on.

/// Averages the gradients of parameters over the ranks of a group.
///
/// They are copied one behind the other into a few buckets, the last parameters first, since a backward pass reaches these
/// first. Where a bucket is full its exchange begins, beside the rest of the pass.
package final class GradientAverage {
  private let group: ProcessGroup
  private let parameters: [Tensor]
  /// Where the gradient of each parameter goes.
  private let places: [Place]
  private let buckets: [Bucket]
  /// How many buckets are on their way. They leave in order, since all ranks must begin the same exchanges.
  private var begun = 0
  /// What went wrong within the backward pass.
  private var failure: (any Error)?

  private struct Place {
    let bucket: Int
    let slice: Tensor
  }

  private final class Bucket {
    let values: Tensor
    var expected: Int
    /// The parameters whose gradients are in it, of this pass.
    var filled: Set<Int> = []
    var exchange: Exchange?

    init(_ values: Tensor, parameters: Int) { (self.values, expected) = (values, parameters) }
  }

  /// - Parameters:
  ///   - parameters: of one type, on one device; the same for all ranks.
  ///   - overlaps: whether each backward pass ends in `finish`, so that exchanges may begin within it.
  ///   - bucketBytes: how large a bucket grows, but for a parameter that is larger.
  package init(_ parameters: [Tensor], in group: ProcessGroup, overlaps: Bool, bucketBytes: Int? = nil) {
    (self.group, self.parameters) = (group, parameters)
    let bytes = parameters.map { $0.count * $0.dtype.byteCount }
    let size = bucketBytes ?? GradientAverage.bucketBytes(of: bytes.reduce(0, +))
    var (groups, filled): ([[Int]], Int) = ([], 0)
    for index in parameters.indices.reversed() {
      if groups.isEmpty || filled + bytes[index] > size { (groups, filled) = (groups + [[]], 0) }
      groups[groups.count - 1].append(index)
      filled += bytes[index]
    }
    var places: [Int: Place] = [:]
    buckets = groups.enumerated().map { number, members in
      let count = members.reduce(0) { $0 + parameters[$1].count }
      let values = Tensor.zeros([count], dtype: parameters[0].dtype, device: parameters[0].device)
      var start = 0
      for index in members {
        places[index] = Place(bucket: number, slice: values.narrowed(0, start..<start + parameters[index].count))
        start += parameters[index].count
      }
      return Bucket(values, parameters: members.count)
    }
    self.places = parameters.indices.compactMap { places[$0] }
    guard overlaps, group.isShared else { return }
    for (index, parameter) in parameters.enumerated() {
      parameter.onGradient { [unowned self] in take(index) }
    }
  }

  deinit { for parameter in parameters { parameter.onGradient(nil) } }

  /// About four of them, so that the first ones travel while the pass goes on, and none so small that its latency counts.
  private static func bucketBytes(of all: Int) -> Int { min(max(all / 4, 1 << 20), 25 << 20) }

  /// Takes a gradient that is there, and begins the exchanges of what is full.
  private func take(_ index: Int) {
    withoutGradients {
      guard let gradient = parameters[index].gradient else { return }
      places[index].slice.copyInPlace(gradient.flattened())
    }
    buckets[places[index].bucket].filled.insert(index)
    while begun < buckets.count, buckets[begun].filled.count == buckets[begun].expected { begin() }
  }

  private func begin() {
    let bucket = buckets[begun]
    begun += 1
    guard failure == nil else { return }
    do {
      bucket.exchange = try group.beginAllReduce(bucket.values)
    } catch {
      failure = error
    }
  }

  /// Leaves the mean over the ranks on the parameters, once a backward pass is over.
  /// - Throws: `ProcessGroupError`.
  package func finish() throws {
    guard group.isShared else { return }
    for (index, place) in places.enumerated() where !buckets[place.bucket].filled.contains(index) { take(index) }
    while begun < buckets.count { begin() }
    defer { begun = 0 }
    try group.requireWhole()
    if let failure { throw failure }
    for bucket in buckets { try bucket.exchange?.wait() }
    withoutGradients {
      for (index, place) in places.enumerated() {
        guard let gradient = parameters[index].gradient else { continue }
        gradient.copyInPlace((place.slice / Double(group.rank.count)).reshaped(gradient.shape))
      }
    }
    for bucket in buckets {
      bucket.filled.removeAll()
      bucket.exchange = nil
    }
  }
}
