/// The settings of data and int8 teachers, each declared once; `Recipe` and the methods declare their own.

import Foundation
import Kindred
import KindredVision

extension Configuration.Images {
  /// The names of the catalogue, and the word for images of one's own.
  package static let setNames = DataSets.all.map(\.name) + [folderName]

  /// Those of all sets, and then those that only one has.
  static let settings = common + choices

  /// What only some sets let one choose. A set that does not has no such setting, which reading refuses.
  private static let choices = DataSets.choices.map { choice in
    Setting<Configuration.Images>(key: choice.key, kind: choice.kind, help: choice.help) {
      $0.set?.choice(choice.key)?.value
    } set: { images, value in
      images.set = images.set.flatMap { $0.choice(choice.key)?.choosing(value) ?? $0 }
    }
  }

  private static let common: [Setting<Configuration.Images>] = [
    Setting(key: "set", kind: .choice(setNames), help: "which images") {
      .word($0.set?.name ?? folderName)
    } set: {
      guard case .word(let name) = $1 else { return }
      $0 = DataSets.named(name).map { Self(set: $0) } ?? Self(train: nil)
    }.required("name one of " + setNames.alternatives),
    .file("folder", \.folder, "the folder that holds the sets; --data-dir or KINDRED_DATA says it otherwise"),
    .file("train", \.train, "one's own images: class folders, a folder without classes, or a list"),
    .file("test", \.test, "one's own images to measure on"),
    .number("held_out", \.heldOut, .belowOne, "the share of one's own images that is measured on and not trained on"),
    .wholeNumber(
      "split", \.split, in: 1...1000,
      "which of dtd's ten divisions, or which share of one's own images is held out; the first unless given"),
    .file("privileged", \.privileged, "images of the same names that the teacher sees instead"),
    .wholeNumber(
      "privileged_channels", \.privilegedChannels, in: 1...3, "of those: 1 for grey; 3 for colour unless given"),
    .wholeNumber("channels", \.channels, in: 1...3, "of one's own images: 1 for grey; 3 for colour unless given"),
    .section(
      "student_view", \.studentView, usual: StudentView(), StudentView.settings,
      "what the student sees, where that is less than the teacher sees"),
    .section(
      "unlabelled", \.unlabelled, usual: Configuration.Unlabelled(), Configuration.Unlabelled.settings,
      "images without a class that are trained on beside the others"),
    .wholeNumber(
      "size", \.size, in: 1...4096,
      "the side of the square that networks see; the set's, or 224 of one's own, unless given"),
    .wholeNumber(
      "test_resize", \.testResize, in: 1...8192,
      "the side that an image is scaled to before its centre is cut; 8/7 of the size of photographs"),
    .choice("normalization", \.normalization, "a known mean and deviation in place of the set's own"),
    .numbers("mean", \.mean, .unit, "of the channels, divided by 255; the set's own unless given"),
    .numbers("deviation", \.deviation, .positive, "beside mean"),
    .choice("broken", \.broken, "what is done about images of one's own that cannot be read; refuse unless given"),
    .countOrAll("train_images", \.trainImages, "train on so many, the same number of each class"),
    .wholeNumber("held_out_images", \.heldOutImages, in: 0...Int.max, "training images kept away from training"),
    .choice("evaluate_on", \.evaluateOn, "what accuracy is measured on"),
    .countOrAll("test_images", \.testImages, "measure on so many of the test images"),
    .wholeNumber(
      "crop_padding", \.onlyCropPadding, in: 0...Int(Int8.max), "the border that crops may take in"),
    .number(
      "random_resized_crop", \.leastShare, .unit, "the smallest share of an image that is cut out; 0 for none"),
    .flag("flip", \.augmentation.flip, "mirrors half of the images"),
    .wholeNumber(
      "rand_augment", \.randAugmentMagnitude, in: RandAugment.magnitudes, "the magnitude of RandAugment's operations"),
    .wholeNumber(
      "rand_augment_operations", \.randAugmentOperations, in: 1...14,
      "how many of them an image goes through; 2 unless given"),
    .numberUnlessZero(
      "color_jitter", \.augmentation.colorJitter, .unit, "how far brightness, contrast and saturation change"),
    .numberUnlessZero(
      "random_erasing", \.augmentation.randomErasing, .unit, "the probability that a part of an image is erased"),
    .numberUnlessZero("mixup", \.augmentation.mixup, .notNegative, "alpha of the shares of mixed images; 0 for none"),
    .numberUnlessZero(
      "cutmix", \.augmentation.cutMix, .notNegative, "alpha of the shares of pasted images; 0 for none"),
    .texts("classes", \.classNames, "the names of one's own classes, in the order of labels"),
  ]

  /// The name that mean and deviation have.
  private var normalization: Configuration.Normalization? {
    get { statistics == .imageNet ? .imageNet : nil }
    set {
      guard newValue == .imageNet else { return }
      (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    }
  }

  /// The border of crops, which takes the place of the other kind of crop.
  private var onlyCropPadding: Int {
    get { augmentation.cropPadding }
    set {
      augmentation.cropPadding = newValue
      if newValue > 0 { augmentation.randomResizedCrop = nil }
    }
  }

  /// nil without RandAugment.
  private var randAugmentMagnitude: Int? {
    get { augmentation.randAugment?.magnitude }
    set { augmentation.randAugment = newValue.map { RandAugment(magnitude: $0) } }
  }

  /// Comes behind the magnitude.
  private var randAugmentOperations: Int? {
    get { augmentation.randAugment?.operations ?? strayOperations }
    set {
      guard let newValue, augmentation.randAugment != nil else {
        strayOperations = newValue
        return
      }
      augmentation.randAugment?.operations = newValue
    }
  }

  /// 0 for none, where that is not the usual.
  private var leastShare: Double? {
    get { augmentation.randomResizedCrop ?? (usualAugmentation.randomResizedCrop == nil ? nil : 0) }
    set { augmentation.randomResizedCrop = newValue.flatMap { $0 > 0 ? $0 : nil } }
  }
}

extension Configuration.Unlabelled {
  static let settings: [Setting<Configuration.Unlabelled>] = [
    .file("folder", \.folder, "where they lie; further training images of the set without it"),
    .wholeNumber("images", \.images, in: 1...Int.max, "so many further training images of the set"),
    .number("share", \.share, .belowOne, "their part of each batch"),
  ]
}

extension StudentView {
  static let settings: [Setting<StudentView>] = [
    .wholeNumber("size", \.size, in: 1...4096, "the side of the square that is left"),
    .flag("grey", \.isGrey, "leaves colours out"),
    .number("blur", \.blur, .notNegative, "standard deviation of a Gaussian blur, in pixels"),
    .number("occlude", \.occlusion, .belowOne, "share of the side of a black square in the centre"),
    .number("crop", \.crop, .unit, "share of the side that is kept around the centre"),
  ]
}

extension Configuration.Quantization {
  package static let settings: [Setting<Configuration.Quantization>] = [
    .wholeNumber("calibration_batches", \.calibrationBatches, in: 1...Int.max, "batches that ranges are taken from"),
    .wholeNumber("checked_images", \.checkedImages, in: 2...Int.max, "images that the cost is measured on"),
    .number("largest_top1_drop", \.bounds.largestTop1Drop, .notNegative, "in percentage points"),
    .number("largest_gram_error", \.bounds.largestGramError, .notNegative, "relative, of a Gram matrix"),
    .number("smallest_gram_correlation", \.bounds.smallestGramCorrelation, .unit, "of a Gram matrix's entries"),
  ]
}

extension Setting {
  /// A number of which 0 means that there is none of the thing, and is not written down.
  static func numberUnlessZero(
    _ key: String, _ path: Path<Double>, _ range: NumberRange, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .number(range), help: help) {
      $0[keyPath: path] == 0 ? nil : .number($0[keyPath: path])
    } set: {
      if case .number(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A file or folder that may be left out.
  static func file(_ key: String, _ path: Path<ConfiguredFile?>, _ help: String) -> Setting {
    Setting(key: key, kind: .file, help: help) {
      $0[keyPath: path].map { .file($0.url, isRelative: $0.isRelative) }
    } set: {
      if case .file(let url, let isRelative) = $1 { $0[keyPath: path] = ConfiguredFile(url, isRelative: isRelative) }
    }
  }
}
