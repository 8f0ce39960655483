// Resizing against Pillow, and in one thread alone.

import Foundation
import GoldenFiles
import KindredVision
import Synchronization
import Testing
import Torch

@Suite struct ImageResizingTests {
  @Test func sizesAreWithinAGreyLevelOfPillows() throws {
    let golden = try Golden("images/expected")
    let keys = golden.tensors.keys.filter { $0.hasPrefix("resize.") }
    #expect(keys.count > 20)
    for key in keys {
      let source = PixelImage(try golden["source.\(key.split(separator: ".")[1])"])
      let expected = PixelImage(try golden[key])
      let resized = source.resized(width: expected.width, height: expected.height)
      #expect(try #require(resized.largestDifference(from: expected)) <= 1, "\(key)")
    }
  }

  @Test func theSameSizeIsTheSameImage() throws {
    let image = PixelImage(try Golden("images/expected")["source.noise"])
    #expect(image.resized(width: image.width, height: image.height) == image)
  }

  /// A thread that loads images must not wake a pool of threads for itself. Other tests start threads too, so that one
  /// undisturbed attempt counts.
  @Test(arguments: [1, 3]) func noOtherThreadWorks(channels: Int) {
    let image = PixelImage(
      width: 1200, height: 900, channels: channels, bytes: [UInt8](repeating: 7, count: 1_080_000 * channels))
    #expect(
      (0..<20).contains { _ in
        threadsStarted(by: { for side in [100, 900] { _ = image.resized(width: side, height: side) } }) == 0
      })
  }

  /// How many threads there are after some work of a fresh one that were not there before.
  private func threadsStarted(by work: @escaping @Sendable () -> Void) -> Int {
    let count = Count()
    let thread = Thread {
      let before = threads()
      work()
      count.started.store(threads().subtracting(before).count, ordering: .relaxed)
      count.end.signal()
    }
    thread.start()
    count.end.wait()
    return count.started.load(ordering: .relaxed)
  }
}

/// Every thread of the process by its number.
private func threads() -> Set<String> {
  Set((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? [])
}

private final class Count: Sendable {
  let started = Atomic(0)
  let end = DispatchSemaphore(value: 0)
}
