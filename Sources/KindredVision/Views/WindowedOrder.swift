// An order for images in archives: near to theirs on disk, so that they are read in large pieces, and yet mixed.

import Kindred

/// Archives one after another, and of each next image one of those that wait in a window.
struct WindowedOrder {
  /// How many images wait.
  private static let window = 4096
  private let sizes: [Int]
  private let starts: [Int]

  /// - Parameter sizes: how many images follow each other in each archive.
  init(_ sizes: [Int]) {
    self.sizes = sizes
    starts = sizes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
  }

  /// All images, each once.
  /// - Parameter shards: the order of the archives.
  func indices(of shards: [Int32], _ random: inout SplitMix64) -> [Int32] {
    var order: [Int32] = []
    order.reserveCapacity(starts.last ?? 0)
    var waiting: [Int32] = []
    for shard in shards {
      let start = Int32(starts[Int(shard)])
      for index in start..<start + Int32(sizes[Int(shard)]) {
        guard waiting.count == WindowedOrder.window else {
          waiting.append(index)
          continue
        }
        let place = Int(random.below(UInt64(waiting.count)))
        order.append(waiting[place])
        waiting[place] = index
      }
    }
    while !waiting.isEmpty {
      waiting.swapAt(Int(random.below(UInt64(waiting.count))), waiting.count - 1)
      order.append(waiting.removeLast())
    }
    return order
  }
}
