// Images by what a person typed: the name of a set, or a folder or list of one's own.

import Foundation
import Kindred
import KindredVision

extension Configuration.Images {
  /// A set of the catalogue of that name, or one's own images in that place, all of which are measured on.
  /// - Parameters:
  ///   - like: images that a network was trained on, whose size, classes, mean and deviation one's own then have.
  ///   - library: has these, where they are a set of the catalogue.
  /// - Throws: `RunError` with the nearest name there is; `DataError` for images that cannot be read.
  package init(named name: String, like: Configuration.Images? = nil, _ library: ImageLibrary) throws {
    if let set = DataSets.named(name) {
      self.init(set: set)
      // Another split would be measured on what the network was trained on.
      if let like { divide(like: like) }
      return
    }
    guard FileManager.default.fileExists(atPath: name) else {
      let advice = Spelling.advice(
        for: name, among: DataSets.all.map(\.name),
        else: "there are \(DataSets.all.map(\.name).joined(separator: ", ")), and folders of images")
      throw RunError("there is no data set '\(name)'; \(advice)")
    }
    self = try like?.asOwn(library) ?? Self(train: nil)
    train = ConfiguredFile(URL(filePath: name))
    test = train
    (heldOut, split, privileged, unlabelled) = (nil, nil, nil, nil)
    (trainImages, testImages, heldOutImages, evaluateOn) = (nil, nil, 0, .test)
    do {
      try open()
    } catch let error as ConfigurationError {
      throw RunError(error.message)
    }
  }

  /// Images of one's own that are seen as these are.
  private func asOwn(_ library: ImageLibrary) throws -> Configuration.Images {
    guard let set else { return self }
    let form = try library.form(of: self)
    var own = Configuration.Images(train: nil)
    let side = size ?? set.imageShape.height
    (own.size, own.testResize) = (side, testResize ?? form.usualEvaluatedSide(side))
    (own.channels, own.studentView, own.classNames) = (set.imageShape.channels, studentView, form.classNames)
    (own.mean, own.deviation) = (form.channelMean.map(Double.init), form.channelDeviation.map(Double.init))
    return own
  }
}
