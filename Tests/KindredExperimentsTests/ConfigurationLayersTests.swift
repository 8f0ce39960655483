// The layers of a configuration that names none: by name as soon as both networks are known.

import Foundation
import Kindred
import KindredExperiments
import KindredVision
import TestSupport
import Testing

@Suite struct ConfigurationLayersTests {
  private let fourStages = """
    data: {set: cifar-100}
    student: {network: mobilenetv2-0.5}
    teacher: {network: vgg-13, weights: teacher.safetensors}

    """

  /// What older versions wrote into a run's folder is the same configuration.
  @Test func namedLayersAreTheUsualOnes() throws {
    let pair = distilling.replacing("wrn-16-2", with: "wrn-40-1")
    let usual = try Configuration.reading(pair + "losses: {sp: {}, at: {}, fsp: {}, ab: {}}")
    let named = try Configuration.reading(
      pair + """
        losses:
          sp: {layers: [stage3]}
          at: {layers: [stage1, stage2, stage3]}
          fsp: {layers: [stem, stage1, stage2, stage3]}
          ab: {layers: [stage1.pre, stage2.pre, stage3.pre]}
        """)
    #expect(usual.losses == named.losses)
  }

  @Test func fourStagesAreWrittenByName() throws {
    let configuration = try Configuration.reading(fourStages + "losses: {sp: {}, at: {}}")
    let yaml = configuration.yaml()
    #expect(yaml.contains("    layers: [stage4]\n") && yaml.contains("    layers: [stage1, stage2, stage3, stage4]\n"))
    #expect(try Configuration.reading(yaml) == configuration)
  }

  @Test func differentCountsAreWrittenByName() throws {
    let configuration = try Configuration.reading(
      fourStages.replacing("mobilenetv2-0.5", with: "wrn-16-1") + "losses: {sp: {}}")
    let yaml = configuration.yaml()
    #expect(yaml.contains("    layers: [{student: stage3, teacher: stage4}]\n"))
    #expect(try Configuration.reading(yaml) == configuration)
  }

  /// The networks that count are those after all settings.
  @Test func settingsOfTheCommandLineChangeTheUsualLayers() throws {
    let text = distilling + "losses: {sp: {}}"
    let other = try Configuration.reading(text, "student.network=vgg-8", "teacher.network=vgg-13")
    #expect(other.losses["sp"]?.method.layers == [LayerPair("stage4")])
    let named = try Configuration.reading(text, "teacher.network=vgg-13", "losses.sp.layers=[stage2]")
    #expect(named.losses["sp"]?.method.layers == [LayerPair("stage2")])
  }

  /// A file is not opened to read a configuration: what it gives names the layers later.
  @Test func aTeacherInAFileNamesThemLater() throws {
    var configuration = try Configuration.reading(
      smallest + "teacher: {exported: t.pt, outputs: {logits: 0}}\nlosses: {at: {weight: 1}}")
    #expect(configuration.losses["at"]?.method.hasUsualLayers == true && !configuration.yaml().contains("layers"))
    #expect(try Configuration.reading(configuration.yaml()) == configuration)
    let taps = ["stage1": [8, 32, 32], "stage2": [8, 16, 16]]
    let teacher = NetworkDescription(name: "t.pt", classes: 10, taps: taps)
    try configuration.check(teacher: teacher)
    try configuration.resolveLayers(teacher: teacher)
    let expected = [LayerPair(student: "stage2", teacher: "stage1"), LayerPair(student: "stage3", teacher: "stage2")]
    #expect(configuration.losses["at"]?.method.layers == expected)
    let other = NetworkDescription(name: "t.pt", classes: 10, taps: ["late": [8, 16, 16]])
    let open = try Configuration.reading(
      smallest + "teacher: {exported: t.pt, outputs: {logits: 0}}\nlosses: {at: {weight: 1}}")
    #expect {
      try open.check(teacher: other)
    } throws: {
      "\($0)"
        == "losses.at.layers: t.pt names no stages (stage1, stage2 and so on); say what is compared, such as layers: "
        + "[{student: stage3, teacher: late}]; it has late"
    }
  }
}
