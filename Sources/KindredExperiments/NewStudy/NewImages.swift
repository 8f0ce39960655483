// The images of a study that is to be written: how networks see them, and the numbers that go with their count.

import Foundation
import Kindred
import KindredVision

/// Images as somebody names them, and what a study says of them.
struct NewImages {
  /// How they are spoken of.
  let title: String
  let classNames: [String]
  /// What networks see.
  let shape: [Int]
  /// Whether a share of them is measured on.
  let isHeldOut: Bool
  private let trainingCount: Int
  private let place: Place

  private enum Place {
    case set(DataSet)
    case own(ConfiguredFile, test: ConfiguredFile?)
  }

  /// - Parameter teacherSize: the side that the teacher's file wants; nil for any.
  /// - Throws: `RunError` for images that are not there; `DataError` for a set that cannot be listed.
  init(_ wishes: NewStudy.Wishes, teacherSize: Int?) throws {
    let file = ConfiguredFile(typed: wishes.images)
    if !FileManager.default.fileExists(atPath: file.url.path), let set = DataSets.named(wishes.images) {
      guard wishes.test == nil else { throw RunError("\(set.name) has test images of its own; take --test out") }
      place = .set(set)
      (title, classNames, trainingCount) = (set.name, set.classNames, set.imageCount(.train))
      isHeldOut = false
      let side = wishes.size ?? set.imageShape.height
      shape = [set.imageShape.channels, side, side]
      return
    }
    guard FileManager.default.fileExists(atPath: file.url.path) else {
      let names = DataSets.all.map(\.name)
      let advice = Spelling.advice(
        for: wishes.images, among: names, else: "name a folder, or one of \(names.joined(separator: ", "))")
      throw RunError("there are no images '\(wishes.images)'; \(advice)")
    }
    let survey = try ImageSurvey(file.url)
    place = .own(file, test: wishes.test.map { ConfiguredFile(typed: $0) })
    classNames = survey.classNames
    let classes = classNames.isEmpty ? "without classes" : "of \(classNames.count) classes"
    title = "\(file.url.lastPathComponent) (\(survey.count) images \(classes))"
    isHeldOut = wishes.test == nil && !classNames.isEmpty
    trainingCount = isHeldOut ? Int(Double(survey.count) * (1 - NewImages.heldOut)) : survey.count
    let side = wishes.size ?? teacherSize ?? NewImages.side(of: survey.shorterSide)
    shape = [3, side, side]
  }

  /// The share that is measured on where nothing is named for it.
  private static let heldOut = 0.2

  /// The largest usual side that does not enlarge most of the images; no more than processors train with in hours.
  private static func side(of shorterSide: Int) -> Int {
    let usual = [32, 48, 64, 96, 128]
    return usual.last { $0 <= shorterSide } ?? usual[0]
  }

  /// Whether networks for small images are meant for them.
  var isSmall: Bool { shape[1] <= 64 }

  var batchSize: Int { trainingCount >= 4000 ? 64 : min(32, max(2, trainingCount / 4)) }

  /// About two thousand steps, within bounds: what processors do in an hour or two. Published tables have 200 epochs and more.
  var usualEpochs: Int { min(max(2_000 / max(trainingCount / batchSize, 1), 20), 60) }

  /// Their section of a configuration.
  func yaml(in folder: URL, indent: String = "  ") -> String {
    switch place {
    case .set(let set):
      let size = shape[1] == set.imageShape.height ? "" : ", size: \(shape[1])"
      return "\(indent)data: {set: \(set.name)\(size)}"
    case .own(let file, let test):
      var lines = ["set: folder", "train: \(YAMLWriter.quoted(file.path(in: folder)))"]
      if let test {
        lines.append("test: \(YAMLWriter.quoted(test.path(in: folder)))")
      } else if isHeldOut {
        lines.append("held_out: \(NewImages.heldOut)  # measured on, and never trained on")
      }
      lines.append("size: \(shape[1])  # the square that networks see; larger shows more and takes longer")
      return ([indent + "data:"] + lines.map { "\(indent)  \($0)" }).joined(separator: "\n")
    }
  }
}
