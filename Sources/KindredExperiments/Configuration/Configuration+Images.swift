// The images of a run: a set of the catalogue, or a folder of one's own.

import Foundation
import Kindred
import KindredVision
import Synchronization

extension Configuration {
  /// Which images train the network and which measure it.
  package struct Images: Sendable, Equatable {
    /// A set of the catalogue; nil for images of one's own, which `train` names.
    package var set: DataSet?
    /// The folder that holds the sets; nil leaves it to `--data-dir` and `KINDRED_DATA`.
    package var folder: ConfiguredFile?
    /// One's own images: a folder or a list.
    package var train: ConfiguredFile?
    /// One's own images to measure on.
    package var test: ConfiguredFile?
    /// The share of one's own images that is measured on and not trained on, where there is no `test`.
    package var heldOut: Double?
    /// Which of several divisions into training and test images, counted from 1; nil for the first, or the only one.
    package var split: Int?
    /// Images of one's own of the same names, of which the teacher sees these instead.
    package var privileged: ConfiguredFile?
    /// The channels of those; nil for 3.
    package var privilegedChannels: Int?
    /// The channels that images of one's own are decoded to; nil for 3.
    package var channels: Int?
    /// What the student sees, where that is less than the teacher sees.
    package var studentView: StudentView?
    /// Images without a class that are trained on beside the others.
    package var unlabelled: Unlabelled?
    /// The side of the square that networks see; nil for the usual one.
    package var size: Int?
    /// The side that an image's shorter one is scaled to before its centre is cut out; nil for the usual one.
    package var testResize: Int?
    /// What images are normalised by, of each channel of pixels divided by 255; empty for the set's own.
    package var mean: [Double] = []
    /// Beside `mean`.
    package var deviation: [Double] = []
    /// What is done about images of one's own that cannot be read; nil for `refuse`.
    package var broken: Broken?
    /// Train on this many images, the same number of each class, first ones first; nil for all that are not held out.
    package var trainImages: Int?
    /// The training images kept away from training, the same number of each class, last ones first.
    package var heldOutImages: Int
    package var evaluateOn: EvaluationSet
    /// Measure on this many of the test images; nil for all.
    package var testImages: Int?
    package var augmentation: Augmentation
    /// How many operations of RandAugment were asked for where there is no RandAugment; nil for none.
    var strayOperations: Int?
    /// The classes' names in the order of labels, where they are written down; the folder says them otherwise.
    package var classNames: [String] = []

    /// Images of a set of the catalogue.
    /// - Parameter augmentation: nil for the set's usual one.
    package init(
      set: DataSet, folder: ConfiguredFile? = nil, trainImages: Int? = nil, heldOutImages: Int = 0,
      evaluateOn: EvaluationSet = .test, testImages: Int? = nil, augmentation: Augmentation? = nil
    ) {
      self.set = set
      self.folder = folder
      self.trainImages = trainImages
      self.heldOutImages = heldOutImages
      self.evaluateOn = evaluateOn
      self.testImages = testImages
      self.augmentation = augmentation ?? set.augmentation
    }

    /// One's own images, seen as photographs usually are.
    package init(train: ConfiguredFile?) {
      self.train = train
      heldOutImages = 0
      evaluateOn = .test
      augmentation = Self.ownAugmentation
    }
  }

  /// Images whose class is not known, or not told.
  package struct Unlabelled: Sendable, Equatable {
    /// Where they lie; nil for further training images of the set.
    package var folder: ConfiguredFile?
    /// How many of the set's further training images; nil for all that are left.
    package var images: Int?
    /// Their part of each batch.
    package var share = 0.5

    package init() {}
  }

  /// What is done about images that cannot be read.
  package enum Broken: String, Sendable, CaseIterable {
    /// A run ends at the first.
    case refuse
    /// Those that `kindred data check` has found are left out.
    case skip
  }

  /// A mean and deviation that have a name.
  package enum Normalization: String, Sendable, CaseIterable {
    case imageNet = "imagenet"
  }
}

extension Configuration.Images {
  /// The word for images of one's own where sets are named.
  package static let folderName = "folder"
  /// The side of the square that networks see of one's own images, unless another is given.
  static let usualSize = 224

  /// How training images of one's own are cropped and flipped where nothing is said.
  static let ownAugmentation = Augmentation(randomResizedCrop: 0.08, flip: true)
  /// The same of any.
  var usualAugmentation: Augmentation { self.set?.augmentation ?? Self.ownAugmentation }

  /// What tables call the images.
  package var name: String { self.set?.name ?? train?.url.lastPathComponent ?? Self.folderName }

  /// One's own images; nil for a set of the catalogue.
  package var own: OwnImages? {
    guard set == nil, let train else { return nil }
    let size = size ?? Self.usualSize
    var own = OwnImages(
      train: train.url, test: test?.url, heldOut: heldOut ?? 0, size: size, evaluatedSide: testResize)
    own.split = split ?? 1
    // Of the whole images: those of a part are measured apart.
    own.statistics = studentView == nil ? statistics : nil
    own.privileged = privileged?.url
    own.channels = channels ?? 3
    own.skipsBroken = broken == .skip
    own.classNames = classNames.isEmpty ? nil : classNames
    return own
  }

  /// The set of the catalogue as it is divided; nil for one's own images.
  package var chosenSet: DataSet? {
    guard let split, let splits = self.set?.splits, (1...splits.count).contains(split) else { return self.set }
    return splits.choosing(split)
  }

  /// How many divisions into training and test images there are.
  var splitCount: Int {
    if let set { return set.splits?.count ?? 1 }
    // The sum of shares such as 0.1 is not quite 1.
    return heldOut.map { $0 > 0 ? Int(1 / $0 + 1e-9) : 1 } ?? 1
  }

  /// Takes the split of other settings for the same images.
  mutating func divide(like other: Self) {
    if hasImages(of: other) { split = other.split }
  }

  /// Whether the same images are divided in another way.
  func isDivided(unlike other: Self) -> Bool {
    hasImages(of: other) && ((split ?? 1) != (other.split ?? 1) || heldOut != other.heldOut)
  }

  /// Whether what trains on these images trains on some that others are to measure with.
  func trains(onTestOf other: Self) -> Bool {
    isDivided(unlike: other) && (other.set != nil || (other.test == nil && other.heldOut != nil))
  }

  func hasImages(of other: Self) -> Bool {
    self.set?.name == other.set?.name && train?.url.standardizedFileURL == other.train?.url.standardizedFileURL
  }

  /// What images are normalised by, where that is said.
  var statistics: ImageStatistics? {
    guard !mean.isEmpty else { return nil }
    return ImageStatistics(mean: mean.map { Float($0) }, deviation: deviation.map { Float($0) })
  }

  /// Takes note of what images of one's own are normalised by, once it is measured.
  mutating func takeStatistics(of images: ImageSet) {
    guard set == nil, mean.isEmpty else { return }
    (mean, deviation) = (images.channelMean.map(Double.init), images.channelDeviation.map(Double.init))
  }

  /// The number of classes; 0 where images have none.
  package var classCount: Int { self.set?.classNames.count ?? classNames.count }

  /// The number of images in a split; nil for images of one's own that are not there.
  package func imageCount(_ split: DataSplit) -> Int? {
    if let set { return set.imageCount(split) }
    return own.flatMap { try? OpenedImages.of($0).counts[split] }
  }

  /// How many images without a class are trained on; nil where they are not there.
  package var unlabelledCount: Int? {
    guard let unlabelled else { return 0 }
    if unlabelled.folder != nil { return unlabelledPlace.flatMap { try? OpenedImages.of($0).counts[.train] } }
    return unlabelled.images ?? imageCount(.train).map { $0 - heldOutImages - (trainImages ?? $0) }
  }

  /// Images without a class in a folder of their own; nil where there is none. What they are normalised by is that of the others,
  /// so that theirs does not matter.
  var unlabelledPlace: OwnImages? {
    guard let folder = unlabelled?.folder else { return nil }
    var place = OwnImages(train: folder.url, size: max(wholeShape.height, wholeShape.width))
    place.evaluatedSide = own?.evaluatedSide ?? place.size
    (place.channels, place.statistics, place.skipsBroken) = (wholeShape.channels, .imageNet, broken == .skip)
    return place
  }

  /// What is wrong with the images without a class; nil for nothing.
  var unlabelledProblem: String? {
    guard let place = unlabelledPlace else { return nil }
    do {
      _ = try OpenedImages.of(place)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Whether the images of a split have classes; nil for those that are not there.
  func isLabelled(_ split: DataSplit) -> Bool? {
    guard set == nil else { return true }
    return own.flatMap { try? OpenedImages.of($0).areLabelled[split] }
  }

  /// Whether there are images to measure accuracy on; so it is held of images that are not there.
  package var areMeasured: Bool {
    if self.set != nil { return true }
    if evaluateOn == .heldOut { return isLabelled(.train) != false }
    return isLabelled(.test) != false && imageCount(.test) != 0
  }

  /// Looks at images of one's own as far as a configuration needs it, and takes their classes.
  /// - Throws: `ConfigurationError` where they are not there.
  mutating func open() throws {
    guard set == nil else { return }
    guard let own else {
      throw ConfigurationError(key: "data.train", message: "missing; name the folder of images, or a list of them")
    }
    do {
      let opened = try OpenedImages.of(own)
      if classNames.isEmpty { classNames = opened.classNames }
    } catch let error as DataError {
      // A run's folder says the classes itself, and its network is of use where the images are not.
      if !classNames.isEmpty, !FileManager.default.fileExists(atPath: own.train.path) { return }
      throw ConfigurationError(key: "data.train", message: error.description)
    }
  }

  /// The shape of what the trained network sees.
  package var imageShape: (channels: Int, height: Int, width: Int) { studentView?.shape(of: wholeShape) ?? wholeShape }

  /// The same, as tensors' shapes are.
  package var inputShape: [Int] { [imageShape.channels, imageShape.height, imageShape.width] }

  /// The shape of what the teacher sees.
  package var teacherShape: (channels: Int, height: Int, width: Int) {
    privileged == nil ? wholeShape : (privilegedChannels ?? 3, wholeShape.height, wholeShape.width)
  }

  /// The same, as tensors' shapes are.
  package var teacherInputShape: [Int] { [teacherShape.channels, teacherShape.height, teacherShape.width] }

  /// Whether teacher and student see the same.
  var isShared: Bool { studentView == nil && privileged == nil }

  /// The shape of the images themselves, as they are seen whole.
  private var wholeShape: (channels: Int, height: Int, width: Int) {
    guard let set else { return (channels ?? 3, size ?? Self.usualSize, size ?? Self.usualSize) }
    return size.map { (set.imageShape.channels, $0, $0) } ?? set.imageShape
  }
}

/// What is known of images of one's own without decoding any.
private struct OpenedImages: Sendable {
  let classNames: [String]
  let counts: [DataSplit: Int]
  let areLabelled: [DataSplit: Bool]

  private struct Key: Hashable {
    let images: OwnImages
    let modified: [Date?]
  }

  /// Kept while the folders stay as they are: a configuration asks for it often.
  private static let known = Mutex<[Key: OpenedImages]>([:])

  /// - Throws: `DataError`.
  static func of(_ images: OwnImages) throws -> OpenedImages {
    let places = [images.train, images.test].compactMap(\.self)
    let key = Key(
      images: images,
      modified: places.map { try? $0.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate })
    if let opened = known.withLock({ $0[key] }) { return opened }
    let (train, test) = (try images.files(.train), try images.files(.test))
    let opened = OpenedImages(
      classNames: train.classNames.isEmpty ? test.classNames : train.classNames,
      counts: [.train: train.count, .test: test.count],
      areLabelled: [.train: !train.labels.contains(-1), .test: !test.labels.contains(-1)])
    known.withLock { $0[key] = opened }
    return opened
  }
}
