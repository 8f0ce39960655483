// Studies from anybody.

import Foundation
import Kindred
import KindredExperiments
import KindredVision

struct StudyInputs: FuzzedReader {
  private let file: URL
  private let text = YAMLText(templates + YAMLInputs.templates.suffix(3))

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.yaml")
    for (name, text) in [("base.yaml", YAMLInputs.templates[0]), ("study.yaml", StudyInputs.templates[0])] {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
  }

  private static let templates = [
    """
    base: base.yaml
    seeds: 2
    rows:
      plain: {published: 73.26, seeds: 1}
      kd: {losses: {kd: {alpha: 0.9}}, teacher: {network: resnet-20}}
      at: {losses: {at: {weight: {sweep: [100, 1000, auto]}}}, teacher: {network: resnet-20}}
      resnet-20: {student: {network: resnet-20}}

    """,
    """
    extends: study.yaml
    base: {student: {network: wrn-16-1}, training: {epochs: 5}}
    rows:
      at: null
      kd:
        losses: {kd: {alpha: {sweep: [0.5, 0.9]}, temperature: {sweep: [1, 4, 8]}}}
      sp: {losses: {sp: {weight: 10, layers: {sweep: [[stage2], [stage3], [stage2, stage3]]}}}, published: 70}

    """,
    """
    base:
      data: {set: textures, train_images: 160, test_images: 40}
      student: {network: resnet-8}
      teacher: {config: base.yaml}
      losses: {cross_entropy: 1, reviewkd: {weight: 5, warm_up_epochs: 2}}
    rows: {a: {}, b: {losses: null}, c: {training: {seed: {sweep: [1, 2]}, batch_size: {sweep: [16, 32]}}}}

    """,
  ]

  func input(_ random: inout SplitMix64) -> [InputFile] {
    [InputFile(name: "input.yaml", bytes: text.damaged(&random))]
  }

  /// The most that a configuration's file may have: one that it extends is read too.
  var expectedBytes: Int { 1 << 20 }

  func read() throws { for row in try Study.load(file: file).rows { _ = row.settings.yaml() } }
}
