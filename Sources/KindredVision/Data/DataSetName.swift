// The data sets Kindred knows by name, and how each is loaded.

import Foundation

/// Images to learn from, or images to be judged by.
public enum DataSplit: String, Sendable, CaseIterable {
  case train, test
}

/// A data set known by name.
public enum DataSetName: String, CaseIterable, Sendable {
  case cifar10 = "cifar-10"
  case cifar100 = "cifar-100"
  case mnist
  case fashionMNIST = "fashion-mnist"
  case textures

  /// Loads one split into memory. `folder` holds the sets, each in a folder of its own name or of its archive's,
  /// or is the set's own folder; `textures` needs none.
  /// - Throws: `DataError`, which names the file and the byte where something is wrong, or what is missing.
  public func load(_ split: DataSplit, from folder: URL?) throws -> ImageSet {
    switch self {
    case .textures: return Textures.images(count: Textures.defaultCount(split), split: split)
    case .cifar10, .cifar100: return try CIFARReader(self).load(split, from: location(in: folder))
    case .mnist, .fashionMNIST: return try IDXReader(self).load(split, from: location(in: folder))
    }
  }

  private func location(in folder: URL?) throws -> URL {
    guard let folder else {
      throw DataError("\(rawValue) needs a folder of data sets: \(fetchAdvice)")
    }
    return folder
  }

  /// What a user can do about a set that is not there.
  var fetchAdvice: String {
    "`kindred data get \(rawValue)` fetches it, or set KINDRED_DATA to the folder that holds it"
  }
}
