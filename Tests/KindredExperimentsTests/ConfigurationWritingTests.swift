import Foundation
import Kindred
import KindredExperiments
import KindredVision
import TestSupport
import Testing

@Suite struct ConfigurationWritingTests {
  @Test func everythingIsWritten() throws {
    let folder = try TestFolder(["sp.yaml": distilling + "losses: {sp: {weight: 3000}, kd: {}}"])
    let root = folder.url.standardizedFileURL.path(percentEncoded: false)
    #expect(
      try folder.load("sp.yaml").yaml() == """
        name: sp
        data:
          set: cifar-10
          train_images: all
          held_out_images: 0
          evaluate_on: test
          test_images: all
          crop_padding: 4
          flip: true
        student:
          network: wrn-16-1
        teacher:
          network: wrn-16-2
          weights: \(root)/teacher.safetensors
          precision: float32
        losses:
          cross_entropy: 1.0
          sp:
            weight: 3000.0
            layers: [stage3]
            warm_up_epochs: 0
            scope: global
          kd:
            alpha: 0.9
            temperature: 4.0
            standardize: false
            normalize: false
            weighted: false
            curriculum: false
            warm_up_epochs: 0
            scope: global
        training:
          epochs: 200
          batch_size: 128
          seed: 1
          drop_last: true
          optimizer:
            name: sgd
            learning_rate: 0.1
            momentum: 0.9
            nesterov: true
            weight_decay: 0.0005
            weight_decay_on: all
          schedule:
            name: step
            milestones: [60, 120, 160]
            factor: 0.2
            warm_up_epochs: 0
          backbone_rate_factor: 1.0
          accumulate: 1
          evaluate_every: 1
          threads: 0
          device: cpu
          precision: float32
          sync_batch_norm: false
          cuda_graph: true

        """)
  }

  @Test func aFoundWeightIsKeptWithItsCalibration() throws {
    var configuration = try Configuration.reading(distilling + "losses: {sp: {weight: auto, fraction: 0.5}}")
    #expect(configuration.losses["sp"]?.weight.value == nil)
    #expect(configuration.yaml().contains("    weight: auto\n    fraction: 0.5\n    calibration_batches: 8\n"))
    configuration.losses["sp"]?.weight = .automatic(.init(fraction: 0.5, batches: 8), found: 412.7)
    let yaml = configuration.yaml()
    #expect(yaml.contains("    weight: 412.7  # auto, fraction 0.5\n"))
    let again = try Configuration.reading(yaml)
    #expect(again == configuration)
    #expect(again.losses["sp"]?.weight.value == 412.7)
  }

  /// What is written loads to an equal configuration, whatever was set.
  @Test(arguments: [
    "name: 'null'", "name: \"it's: #1 \\\"quoted\\\" \\\\ ünï 蒸\"", "name: \"two\\nlines\"", "name: '123'", "name: ' '",
    "training: {plan_seed: 3, seed: 9223372036854775807, drop_last: false, device: cuda, precision: bfloat16, cuda_graph: false, sync_batch_norm: true, threads: 3}",
    "training: {plan_seed: 9223372036854775808, seed: 18446744073709551615, drop_last: FALSE}",
    "training: {optimizer: {name: adamw, epsilon: 1.0e-12, learning_rate: 0.1234567890123456789}}",
    "training: {optimizer: {nesterov: false, momentum: 0}, schedule: {name: constant, warm_up_epochs: 5}}",
    "training: {schedule: {name: cosine, minimum: 0.001}}", "training: {schedule: {milestones: []}}",
    "student: {network: resnet-32x4, weights: 'a b/#c.safetensors'}",
    "data: {set: fashion-mnist, folder: ~/s, train_images: 1000, held_out_images: 50, test_images: 7, flip: false}",
    "data: {set: textures, held_out_images: 50, evaluate_on: held-out, crop_padding: 3}",
    "data: {rand_augment: 0, rand_augment_operations: 3, color_jitter: 0.4, random_erasing: 0.25, mixup: 0.2, cutmix: 1}",
    "data: {mixup: 0, random_erasing: 0}", "losses: {label_smoothing: 0.1, sp: {}}",
    "data: {set: dtd, split: 7, random_resized_crop: 0}", "data: {set: cinic-10, with_validation: true}",
    "losses: {kd: {alpha: 0.3333333333333333, temperature: 1.5}, cross_entropy: 0}",
    "losses: {sp: {fraction: 0.1}, at: {weight: 0.1, layers: [stage2]}, hint: {weight: 1e300}}",
    "losses: {sp: {layers: [stage1, {student: stage3, teacher: stage2}]}}",
    "training: {plan_epochs: 7}",
    "training: {backbone_rate_factor: 0.1, accumulate: 4, clip_gradients: 1, ema: 0.9998, patience: 5}",
    "training: {optimizer: {name: adamw, weight_decay_on: weights}}",
    "student: {weights: w.safetensors, classifier: fresh, freeze: [stem, stage1.pre]}",
    "student: {weights: w.safetensors, freeze: stage2}",
    "losses: {sp: {warm_up_epochs: 5, scope: local}, dkd: {}, crd: {warm_up_epochs: 1}}",
    "teacher: {precision: int8, int8: {checked_images: 50, largest_gram_error: 0.25, smallest_gram_correlation: 0.5}}\nlosses: {sp: {}}",
    "teacher: {network: null, weights: null, recording: there}\nlosses: {sp: {}}",
    "teacher: [{network: wrn-40-2, weights: a, precision: int8}, {recording: 'b c'}]\nlosses: {sp: {teacher: 2}, kd: {}}",
    "teacher: {network: null, weights: null, exported: t.pt2, outputs: {logits: 0, 'a b': 'k: 1'}}\nlosses: {kd: {}}",
  ])
  func whatIsWrittenLoadsBack(section: String) throws {
    let isDistilling = section.contains("losses")
    let base = isDistilling ? distilling : smallest
    let folder = try TestFolder(["base.yaml": base, "run.yaml": "extends: base.yaml\n" + section])
    let configuration = try folder.load()
    #expect(try Configuration.reading(configuration.yaml()) == configuration, "\(configuration.yaml())")
  }

  /// A run's folder must load although the teacher's configuration has moved since.
  @Test func aTeachersConfigurationNeedNotExistAnyMore() throws {
    let folder = try TestFolder([
      "big.yaml": smallest.replacing("wrn-16-1", with: "wrn-40-2"),
      "run.yaml": smallest + "teacher: {config: big.yaml}\nlosses: {sp: {weight: 3000}}",
    ])
    let configuration = try folder.load()
    try FileManager.default.removeItem(at: folder.url.appending(path: "big.yaml"))
    #expect(try Configuration.reading(configuration.yaml()) == configuration)
  }
}
