// The images that runs share, loaded once.

import Foundation
import KindredVision

/// Loads data sets and keeps them, for runs that follow one another.
package final class ImageLibrary {
  private let folder: URL?
  private var sets: [String: ImageSet] = [:]
  private var own: [OwnImages: [DataSplit: ImageSet]] = [:]

  /// - Parameter folder: the folder of sets; by default what `KINDRED_DATA` names.
  package init(folder: URL? = nil) {
    self.folder = folder ?? ProcessInfo.processInfo.environment["KINDRED_DATA"].map { URL(filePath: $0) }
  }

  /// The images a configuration trains on, those without a class last.
  /// - Throws: `DataError`.
  func training(_ images: Configuration.Images) throws -> ImageSet {
    guard let unlabelled = images.unlabelled else { return try labelled(images) }
    guard let place = images.unlabelledPlace else {
      let all = try load(images, .train)
      let own = all.firstIndices(perSetBalanced: images.trainImages ?? all.count - images.heldOutImages)
      let kept = all.firstIndices(perSetBalanced: all.count - images.heldOutImages)
      let others = Set(kept).subtracting(own).sorted()
      return all.selecting(own, withoutLabels: balanced(others, of: all, unlabelled.images))
    }
    return try labelled(images).joined(withoutLabels: place.load(.train))
  }

  /// The first of some images, every class in its own proportion.
  private func balanced(_ indices: [Int], of all: ImageSet, _ count: Int?) -> [Int] {
    guard let count, count < indices.count else { return indices }
    return all.selecting(indices).firstIndices(perSetBalanced: count).map { indices[$0] }
  }

  private func labelled(_ images: Configuration.Images) throws -> ImageSet {
    if let count = images.trainImages, images.heldOutImages == 0, images.set == .textures, images.isShared {
      return images.seen(textures(count, .train))
    }
    let all = try load(images, .train)
    // The first and the last images of a set do not overlap, so that held-out images stay out.
    return all.first(perSetBalanced: images.trainImages ?? all.count - images.heldOutImages)
  }

  /// The training images as a configuration's teacher sees them.
  /// - Throws: `DataError`.
  func teacherTraining(_ images: Configuration.Images) throws -> ImageSet {
    guard let all = try privileged(images, .train) else { return try training(images.whole) }
    return all.first(perSetBalanced: images.trainImages ?? all.count - images.heldOutImages)
  }

  /// The images that accuracy is measured on as a configuration's teacher sees them.
  /// - Throws: `DataError`.
  func teacherEvaluation(_ images: Configuration.Images) throws -> ImageSet {
    guard images.privileged != nil else { return try evaluation(images.whole) }
    if images.evaluateOn == .heldOut, let all = try privileged(images, .train) {
      return all.last(perSetBalanced: images.heldOutImages)
    }
    guard let all = try privileged(images, .test) else { return try evaluation(images.whole) }
    return images.testImages.map { all.first(perSetBalanced: $0) } ?? all
  }

  private func privileged(_ images: Configuration.Images, _ split: DataSplit) throws -> ImageSet? {
    try images.own?.loadPrivileged(split, channels: images.teacherShape.channels)
  }

  /// The images a configuration measures accuracy on.
  /// - Throws: `DataError`.
  package func evaluation(_ images: Configuration.Images) throws -> ImageSet {
    switch images.evaluateOn {
    case .heldOut: return try load(images, .train).last(perSetBalanced: images.heldOutImages)
    case .test:
      if let count = images.testImages, images.set == .textures, images.isShared {
        return images.seen(textures(count, .test))
      }
      let all = try load(images, .test)
      return images.testImages.map { all.first(perSetBalanced: $0) } ?? all
    }
  }

  /// A whole part of a configuration's images, as its networks see them.
  /// - Throws: `DataError`.
  package func load(_ images: Configuration.Images, _ split: DataSplit) throws -> ImageSet {
    guard let view = images.studentView else { return try loadWhole(images, split) }
    // Test images are normalised by what was measured of training images.
    let statistics =
      try images.statistics
      ?? (split == .train ? nil : load(images, .train)).map {
        .init(mean: $0.channelMean, deviation: $0.channelDeviation)
      }
    return try loadWhole(images.whole, split).reduced(by: view, normalizedBy: statistics)
  }

  private func loadWhole(_ images: Configuration.Images, _ split: DataSplit) throws -> ImageSet {
    if let set = images.chosenSet {
      let whole = try load(set, split, from: images.folder?.url)
      // What was decoded for a size is kept with it.
      let key =
        "\(key(set, split, images.folder?.url)) \(images.size ?? 0) \(images.testResize ?? 0) \(images.mean) \(images.deviation)"
      let seen = sets[key] ?? images.seen(whole)
      sets[key] = seen
      return seen
    }
    guard let place = images.own else { preconditionFailure("a checked configuration names its images") }
    if let known = own[place]?[split] { return known }
    let loaded = try place.load(split)
    own[place, default: [:]][split] = loaded
    return loaded
  }

  /// What networks see of a configuration's images, as a set that may have no image in it.
  /// - Throws: `DataError`.
  package func form(of images: Configuration.Images) throws -> ImageSet {
    guard let place = images.own, let statistics = images.statistics else {
      return try load(images, .test)
    }
    let (channels, height, width) = images.imageShape
    let form = ImageSet(
      name: images.name, width: width, height: height, channels: channels, classNames: images.classNames,
      pixels: [], labels: [], channelMean: statistics.mean, channelDeviation: statistics.deviation)
    let evaluatedSide = (width * place.evaluatedSide + place.size / 2) / place.size
    return form.seen(side: width, evaluatedSide: evaluatedSide)
  }

  /// A whole part of a set.
  /// - Throws: `DataError`.
  package func load(_ set: DataSet, _ split: DataSplit, from folder: URL? = nil) throws -> ImageSet {
    let key = key(set, split, folder)
    if let known = sets[key] { return known }
    let loaded = try set.load(split, from: folder ?? self.folder)
    sets[key] = loaded
    return loaded
  }

  private func key(_ set: DataSet, _ split: DataSplit, _ folder: URL?) -> String {
    "\(set.identity) \(split.rawValue) \((folder ?? self.folder)?.path ?? "")"
  }

  /// Only as many textures as are wanted: a shorter set is the beginning of a longer one.
  private func textures(_ count: Int, _ split: DataSplit) -> ImageSet {
    let key = "textures \(split.rawValue) \(count)"
    let images = sets[key] ?? Textures.images(count: count, split: split)
    sets[key] = images
    return images
  }
}

extension Configuration.Images {
  /// The same images, seen whole. Mean and deviation that are given are of what is left for a student where that is less.
  fileprivate var whole: Configuration.Images {
    guard studentView != nil else { return self }
    var whole = self
    (whole.studentView, whole.mean, whole.deviation) = (nil, [], [])
    return whole
  }

  /// A set of the catalogue, in the size that networks see and normalised as is said.
  fileprivate func seen(_ images: ImageSet) -> ImageSet {
    let images = statistics.map { images.normalized(by: $0) } ?? images
    guard size != nil || testResize != nil else { return images }
    let side = size ?? min(images.width, images.height)
    return images.seen(side: side, evaluatedSide: testResize ?? images.usualEvaluatedSide(side))
  }
}
