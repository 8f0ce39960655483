/// The settings of data and int8 teachers, each declared once; `Recipe` and the methods declare their own.

import Foundation
import Kindred
import KindredVision

extension Configuration.Images {
  static let settings: [Setting<Configuration.Images>] = [
    .choice("set", \.usual, "which images").required(
      "name one of " + DataSetName.allCases.map(\.rawValue).alternatives),
    .file("folder", \.folder, "the folder that holds the sets"),
    .countOrAll("train_images", \.trainImages, "train on so many, the same number of each class"),
    .wholeNumber("held_out_images", \.heldOutImages, in: 0...Int.max, "training images kept away from training"),
    .choice("evaluate_on", \.evaluateOn, "what accuracy is measured on"),
    .countOrAll("test_images", \.testImages, "measure on so many of the test images"),
    .wholeNumber(
      "crop_padding", \.augmentation.cropPadding, in: 0...Int(Int8.max), "the border that crops may take in"),
    .flag("flip", \.augmentation.flip, "mirrors half of the images"),
  ]

  /// The set, with which all else becomes what is usual for it.
  private var usual: DataSetName {
    get { set }
    set { self = Self(set: newValue) }
  }
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
  /// A file or folder that may be left out.
  static func file(_ key: String, _ path: Path<ConfiguredFile?>, _ help: String) -> Setting {
    Setting(key: key, kind: .file, help: help) {
      $0[keyPath: path].map { .file($0.url, isRelative: $0.isRelative) }
    } set: {
      if case .file(let url, let isRelative) = $1 { $0[keyPath: path] = ConfiguredFile(url, isRelative: isRelative) }
    }
  }
}
