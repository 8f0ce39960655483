// Runs that take seconds, for the tests of the command and the measurements of reliability.

import Foundation

package enum TinyRuns {
  /// The configurations `plain.yaml`, `teacher.yaml` and `student.yaml`, by their names.
  /// - Parameter images: the size of the training set, in batches of 32.
  package static func files(images: Int = 160, epochs: Int = 3) -> [String: String] {
    [
      "plain.yaml": """
      data: {set: textures, train_images: \(images), test_images: 40}
      student: {network: resnet-8}
      training: {epochs: \(epochs), batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """,
      "teacher.yaml": "extends: plain.yaml\ntraining: {epochs: 1}\n",
      "student.yaml": """
      extends: plain.yaml
      teacher: {config: teacher.yaml}
      losses:
        kd: {alpha: 0.5, temperature: 4}
        sp: {weight: auto, calibration_batches: 2}
        hint: {weight: 0.1}
      """,
    ]
  }
}
