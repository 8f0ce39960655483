// The demonstration: a comparison that needs no download and ends within minutes.

import Foundation
import KindredReport
import KindredVision

/// A teacher, a plain student and four ways of distilling it, on the `textures` set.
package enum Demo {
  /// Everything the runs share.
  private static let base = """
    data: {set: textures, train_images: 2000, test_images: 1000}
    student: {network: resnet-8}
    training:
      epochs: 6
      batch_size: 64
      optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 5.0e-4}
      schedule: {name: cosine, minimum: 0.0}
      evaluate_every: 6

    """

  private static let files: [(name: String, text: String)] = [
    (
      "teacher",
      """
      extends: plain.yaml
      student: {network: resnet-20}
      data: {set: textures, train_images: 4000, test_images: 1000}
      training: {epochs: 8, evaluate_every: 8}

      """
    ),
    ("plain", base),
    ("kd", student("kd: {alpha: 0.9, temperature: 4}")),
    ("at", student("at: {weight: auto}")),
    ("sp", student("sp: {weight: auto}")),
    ("kd+sp", student("kd: {alpha: 0.9, temperature: 4}\n  sp: {weight: auto}")),
  ]

  private static func student(_ losses: String) -> String {
    "extends: plain.yaml\nteacher: {config: teacher.yaml}\nlosses:\n  \(losses)\n"
  }

  /// Writes the demonstration's configurations into a folder, for reading and for running again one by one.
  /// - Returns: the students' configurations, in the table's order.
  /// - Throws: `RunError` where they cannot be written.
  package static func configurations(in folder: URL) throws -> [Configuration] {
    let target = RunFolder(folder)
    try target.create()
    for (name, text) in files { try target.write(Data(text.utf8), to: folder.appending(path: "\(name).yaml")) }
    return try files.dropFirst().map { try Configuration.load(file: folder.appending(path: "\($0.name).yaml")) }
  }

  /// The paper's figure for the finished runs: the teacher and each method's first student.
  /// - Throws: `RunError` where a run is missing, `DataError`.
  package static func figure(_ comparison: Comparison, library: ImageLibrary) throws -> SVGDocument {
    var first: [Comparison.Job] = []
    for job in comparison.jobs where !first.contains(where: { $0.settings.name == job.settings.name }) {
      first.append(job)
    }
    return try ShownNetworks(runs: first.map(\.folder.url), library: library).similarity()
  }
}
