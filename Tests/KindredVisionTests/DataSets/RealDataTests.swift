// The readers on the real sets, where the machine has them.

import Foundation
import Testing

@testable import KindredVision

/// The readers on the sets as published; facts about these are known from outside.
@Suite struct RealDataTests {
  private static func isHere(_ name: DataSet) -> ConditionTrait {
    .enabled(
      if: RealData.folder(with: name) != nil, "needs \(name.name): set KINDRED_DATA to the folder that holds it")
  }

  /// Checks the classes' sizes and the published channel statistics; returns the training images.
  private func check(_ name: DataSet, trainingPerClass: Int) throws -> ImageSet {
    let training = try name.load(.train, from: RealData.folder(with: name))
    let test = try name.load(.test, from: RealData.folder(with: name))
    #expect(classSizes(training) == [Int](repeating: trainingPerClass, count: name.classNames.count))
    #expect(classSizes(test) == [Int](repeating: 10_000 / name.classNames.count, count: name.classNames.count))
    for (channel, measured) in channelStatistics(training).enumerated() {
      #expect(abs(measured.mean - Double(training.channelMean[channel])) < 1e-3)
      #expect(abs(measured.deviation - Double(training.channelDeviation[channel])) < 1e-3)
    }
    return training
  }

  private func classSizes(_ set: ImageSet) -> [Int] {
    var sizes = [Int](repeating: 0, count: set.classNames.count)
    for label in set.labels { sizes[Int(label)] += 1 }
    return sizes
  }

  private func sha256(_ bytes: [UInt8]) -> String {
    Digest.sha256.hex(of: bytes)
  }

  @Test(isHere(.cifar10)) func cifar10() throws {
    let set = try check(.cifar10, trainingPerClass: 5_000)
    #expect(set.labels[..<5].map { set.classNames[Int($0)] } == ["frog", "truck", "truck", "deer", "automobile"])
    // The pixels of the first training image, summed by another program (numpy and hashlib).
    #expect(try sha256(set.image(at: 0)) == "7cbda40c52a00fdb4343e76a94b670a6280112167d0e5a0acd9dfeb76d34cff4")
  }

  @Test(isHere(.cifar100)) func cifar100() throws {
    let set = try check(.cifar100, trainingPerClass: 500)
    #expect(set.classNames[Int(set.labels[0])] == "cattle")
    #expect(try sha256(set.image(at: 0)) == "000cd43650c147e35da70043532f1dd404f3d0e7c9d0e2ad36158fd8963d5f74")
  }

  @Test(isHere(.fashionMNIST)) func fashionMNIST() throws {
    let set = try check(.fashionMNIST, trainingPerClass: 6_000)
    #expect(set.classNames[Int(set.labels[0])] == "ankle boot")
  }

  @Test(isHere(.mnist)) func mnist() throws {
    let set = try DataSet.mnist.load(.train, from: RealData.folder(with: .mnist))
    #expect(set.labels[..<5] == [5, 0, 4, 1, 9])
    let measured = try #require(channelStatistics(set).first)
    #expect(abs(measured.mean - 0.1307) < 1e-3 && abs(measured.deviation - 0.3081) < 1e-3)
  }
}
