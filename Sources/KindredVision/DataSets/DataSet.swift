// What a data set of the catalogue is: known before it is loaded, and how it is loaded and fetched.

import Foundation
import Kindred
import Synchronization

/// Images to learn from, or images to be judged by.
public enum DataSplit: String, Sendable, CaseIterable {
  case train, test
}

/// A data set known by name: each is a file, and a line in `DataSets.all`.
public struct DataSet: Sendable {
  /// Its name in configurations and folders.
  public let name: String
  /// Who published it, and what is to be known of its images, in a line.
  public let about: String
  /// The shape in which its images are seen unless another size is asked for.
  public let imageShape: (channels: Int, height: Int, width: Int)
  /// The classes' names; a label is an index into them.
  public let classNames: [String]
  /// What its images are normalised by.
  public let statistics: ImageStatistics
  /// How its training images are usually cropped and flipped.
  public let augmentation: Augmentation
  /// What it leaves open, with what this value has chosen; nothing for most.
  package let choices: [Choice]
  /// The ways in which its publisher divides it into training and test images; nil for the usual one.
  package let splits: Splits?
  private let counts: (train: Int, test: Int)
  private let read: @Sendable (DataSplit, URL) throws -> ImageSet
  /// Where it comes from; nil for one that is drawn.
  let publication: Publication?

  /// Something that a set leaves open, such as whether validation images train too: a setting that only this set takes.
  package struct Choice: Sendable {
    /// Its name in configurations, which no other set has.
    package let key: String
    package let kind: SettingKind
    /// One line.
    package let help: String
    /// What is chosen.
    package let value: SettingValue
    /// The set with another choice, which must be of the kind.
    package let choosing: @Sendable (SettingValue) -> DataSet
  }

  /// Several divisions of one set, over which its accuracy is reported.
  package struct Splits: Sendable {
    /// They are numbered from 1.
    package let count: Int
    /// The one that this value has.
    package let chosen: Int
    /// The set with another one of them.
    package let choosing: @Sendable (Int) -> DataSet
  }

  /// - Parameter read: loads a split, from the folder of sets or the set's own.
  init(
    _ name: String, about: String, imageShape: (channels: Int, height: Int, width: Int), classNames: [String],
    counts: (train: Int, test: Int), statistics: ImageStatistics, augmentation: Augmentation, choices: [Choice] = [],
    splits: Splits? = nil, publication: Publication?,
    read: @escaping @Sendable (DataSplit, URL) throws -> ImageSet
  ) {
    (self.name, self.about) = (name, about)
    (self.imageShape, self.classNames, self.counts) = (imageShape, classNames, counts)
    (self.statistics, self.augmentation) = (statistics, augmentation)
    (self.choices, self.splits) = (choices, splits)
    (self.publication, self.read) = (publication, read)
  }

  /// A set of a program's own, which knows where its images come from.
  /// - Parameters:
  ///   - name: in configurations and commands.
  ///   - about: what is to be known of its images, in a line.
  ///   - imageShape: the shape in which its images are seen unless another size is asked for.
  ///   - classNames: the classes' names; a label is an index into them.
  ///   - counts: the numbers of images.
  ///   - statistics: what its images are normalised by.
  ///   - augmentation: how its training images are usually cropped and flipped.
  ///   - read: loads a split.
  public init(
    _ name: String, about: String, imageShape: (channels: Int, height: Int, width: Int), classNames: [String],
    counts: (train: Int, test: Int), statistics: ImageStatistics, augmentation: Augmentation,
    read: @escaping @Sendable (DataSplit) throws -> ImageSet
  ) {
    self.init(
      name, about: about, imageShape: imageShape, classNames: classNames, counts: counts, statistics: statistics,
      augmentation: augmentation, publication: nil, read: { split, _ in try read(split) })
  }

  /// The same, as tensors' shapes are.
  package var inputShape: [Int] { [imageShape.channels, imageShape.height, imageShape.width] }

  /// The number of images.
  public func imageCount(_ split: DataSplit) -> Int { split == .train ? counts.train : counts.test }

  /// Its name and what is chosen, which together tell its images from others.
  package var identity: String {
    ([name] + choices.map { "\($0.key) \($0.value)" } + (splits.map { ["split \($0.chosen)"] } ?? []))
      .joined(separator: ", ")
  }

  /// What is chosen under a key; nil where the set has no such choice.
  package func choice(_ key: String) -> Choice? { choices.first { $0.key == key } }

  /// Whether it needs no folder of sets: it is drawn by Kindred itself, or a program's own.
  package var isDrawn: Bool { publication == nil }

  /// Loads one split. `folder` holds the sets, each in a folder of its own name or of its archive's, or is the set's own
  /// folder; one that is drawn needs none.
  /// - Throws: `DataError`, which names the file and the byte where something is wrong, or what is missing.
  public func load(_ split: DataSplit, from folder: URL?) throws -> ImageSet {
    if isDrawn { return try read(split, URL(filePath: "/")) }
    guard let folder else { throw DataError("\(name) needs a folder of data sets: \(DataSet.fetchAdvice(name))") }
    return try read(split, folder)
  }

  /// What a user can do about a set that is not there.
  static func fetchAdvice(_ name: String) -> String {
    "`kindred data get \(name)` fetches it, or set KINDRED_DATA to the folder that holds it"
  }
}

extension DataSet: Equatable {
  public static func == (one: DataSet, other: DataSet) -> Bool { one.identity == other.identity }
}

/// A data set as its publisher offers it.
struct Publication: Sendable {
  /// The address of the folder that the files lie in.
  let base: URL
  let files: [PublishedFile]
  /// Whether a folder of sets has the set in a form that its reader takes, and that a download would not leave.
  let isInAnotherLayout: @Sendable (URL) -> Bool

  init(base: URL, files: [PublishedFile], isInAnotherLayout: @escaping @Sendable (URL) -> Bool) {
    (self.base, self.files, self.isInAnotherLayout) = (base, files, isInAnotherLayout)
  }

  /// A set whose files may lie in the folder of sets itself, as torchvision leaves them.
  init(base: URL, files: [PublishedFile]) {
    self.init(base: base, files: files) { sets in files.allSatisfy { $0.isPresent(in: sets) } }
  }
}

/// The catalogue of data sets.
public enum DataSets {
  /// Those of Kindred, and those that a program has added.
  public static var all: [DataSet] { own + added.withLock { $0 } }

  /// A set is one file and one line here.
  private static let own: [DataSet] = [
    .cifar10,
    .cifar100,
    .mnist,
    .fashionMNIST,
    .svhn,
    .stl10,
    .tinyImageNet,
    .describableTextures,
    .cinic10,
    .textures,
  ]

  private static let added = Mutex<[DataSet]>([])

  /// Makes data sets of a program's own known by their names wherever Kindred's are. A program does so before anything else:
  /// what was looked up before does not know them.
  /// - Parameter sets: to come behind Kindred's.
  /// - Throws: `CatalogueError` for a name that is taken, or cannot be one; nothing is added then.
  public static func add(_ sets: [DataSet]) throws {
    try added.withLock { added in
      var all = own + added
      for set in sets {
        // A folder is images of one's own.
        let isTaken = set.name == "folder" || all.contains { $0.name == set.name }
        try CatalogueError.check(set.name, of: "data set", isTaken: isTaken)
        all.append(set)
      }
      added += sets
    }
  }

  /// The names of those that can be fetched.
  public static var published: [String] { all.filter { !$0.isDrawn }.map(\.name) }

  /// What sets let one choose, as they usually have it.
  package static var choices: [DataSet.Choice] { all.flatMap(\.choices) }

  /// The set of that name; nil where there is none.
  public static func named(_ name: String) -> DataSet? { all.first { $0.name == name } }
}

/// The words of a text, for lists of classes.
func words(_ list: String) -> [String] { list.split(whereSeparator: \.isWhitespace).map(String.init) }
