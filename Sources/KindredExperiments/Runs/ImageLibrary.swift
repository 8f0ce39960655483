// The images that runs share, loaded once.

import Foundation
import KindredVision

/// Loads data sets and keeps them, for runs that follow one another.
package final class ImageLibrary {
  private let folder: URL?
  private var sets: [String: ImageSet] = [:]

  /// - Parameter folder: the folder of sets; by default what `KINDRED_DATA` names.
  package init(folder: URL? = nil) {
    self.folder = folder ?? ProcessInfo.processInfo.environment["KINDRED_DATA"].map { URL(filePath: $0) }
  }

  /// The images a configuration trains on.
  /// - Throws: `DataError`.
  func training(_ images: Configuration.Images) throws -> ImageSet {
    if let count = images.trainImages, images.heldOutImages == 0, images.set == .textures {
      return textures(count, .train)
    }
    let all = try load(images, .train)
    // The first and the last images of a set do not overlap, so that held-out images stay out.
    return all.first(perSetBalanced: images.trainImages ?? all.count - images.heldOutImages)
  }

  /// The images a configuration measures accuracy on.
  /// - Throws: `DataError`.
  func evaluation(_ images: Configuration.Images) throws -> ImageSet {
    switch images.evaluateOn {
    case .heldOut: return try load(images, .train).last(perSetBalanced: images.heldOutImages)
    case .test:
      if let count = images.testImages, images.set == .textures { return textures(count, .test) }
      let all = try load(images, .test)
      return images.testImages.map { all.first(perSetBalanced: $0) } ?? all
    }
  }

  /// A whole part of a set.
  /// - Throws: `DataError`.
  package func load(_ set: DataSetName, _ split: DataSplit, from folder: URL? = nil) throws -> ImageSet {
    let folder = folder ?? self.folder
    let key = "\(set.rawValue) \(split.rawValue) \(folder?.path ?? "")"
    if let known = sets[key] { return known }
    let loaded = try set.load(split, from: folder)
    sets[key] = loaded
    return loaded
  }

  private func load(_ images: Configuration.Images, _ split: DataSplit) throws -> ImageSet {
    try load(images.set, split, from: images.folder?.url)
  }

  /// Only as many textures as are wanted: a shorter set is the beginning of a longer one.
  private func textures(_ count: Int, _ split: DataSplit) -> ImageSet {
    let key = "textures \(split.rawValue) \(count)"
    let images = sets[key] ?? Textures.images(count: count, split: split)
    sets[key] = images
    return images
  }
}
