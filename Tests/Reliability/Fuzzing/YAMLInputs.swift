// Configurations from anybody.

import Foundation
import Kindred
import KindredExperiments
import KindredVision

struct YAMLInputs: FuzzedReader {
  private let file: URL
  private let text = YAMLText(templates)

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.yaml")
    for (name, text) in [("base.yaml", YAMLInputs.templates[0]), ("teacher.yaml", YAMLInputs.templates[2])] {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
  }

  static let templates = [
    """
    data: {set: textures, train_images: 160, test_images: 40}
    student: {network: resnet-8}
    training: {epochs: 3, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}

    """,
    """
    name: all
    data:
      set: cifar-10
      folder: ~/data
      train_images: all
      held_out_images: 5000
      evaluate_on: held-out
      test_images: 100
      crop_padding: 4
      flip: true
    student: {network: wrn-16-1, weights: start.safetensors}
    teacher:
      network: wrn-40-2
      weights: runs/teacher
      precision: int8
      int8: {calibration_batches: 4, checked_images: 200, largest_top1_drop: 0.01, largest_gram_error: 0.2}
    losses:
      cross_entropy: 1
      sp: {weight: auto, fraction: 0.5, calibration_batches: 4, layers: [stage3, {student: stage2, teacher: stage2}]}
      kd: {alpha: 0.9, temperature: 4}
      at: {weight: 1000, layers: [stage1, stage2]}
      hint: {weight: 1.5, warm_up_epochs: 3}
    training:
      epochs: 200
      batch_size: 128
      seed: 1
      plan_seed: 2
      plan_epochs: 100
      drop_last: true
      optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 5e-4, weight_decay_on: weights}
      schedule: {name: step, milestones: [60, 120, 160], factor: 0.2, warm_up_epochs: 1}
      backbone_rate_factor: 0.1
      accumulate: 4
      clip_gradients: 1.0
      ema: 0.9998
      evaluate_every: 5
      patience: 10
      threads: 0
      device: cpu
      precision: float32

    """,
    """
    data: {set: textures}
    student: {network: resnet-20}
    training: {optimizer: {name: adamw, beta1: 0.9, beta2: 0.99, epsilon: 1e-8}, schedule: {name: cosine, minimum: 1e-3}}

    """,
    """
    extends: base.yaml
    teacher: {config: teacher.yaml}
    losses: {kd: {alpha: 0.5}, sp: {weight: 10}}

    """,
    """
    extends: base.yaml
    teacher: {exported: teacher.pt, outputs: {logits: 0, stage3: '1', stage2: a.b}}
    losses: {sp: {weight: 10, layers: [{student: stage3, teacher: stage2}]}}

    """,
    """
    base: &base {set: textures, flip: false}
    data: {<<: *base, train_images: 100}
    student: &s {network: resnet-8}
    teacher: {recording: tape}
    losses: {sp: &sp {weight: 1}, at: *sp}

    """,
  ]

  func input(_ random: inout SplitMix64) -> [InputFile] {
    [InputFile(name: "input.yaml", bytes: text.damaged(&random))]
  }

  var wholeInputs: [InputFile] { YAMLInputs.templates.map { InputFile(name: "input.yaml", bytes: Array($0.utf8)) } }

  /// The most that a configuration's file may have: one that it extends is read too.
  var expectedBytes: Int { 1 << 20 }

  func read() throws { _ = try Configuration.load(file: file).yaml() }
}

/// Pages of YAML that are damaged, or put together from the words in them.
struct YAMLText {
  private let templates: [String]
  private let keys: [String]

  init(_ templates: [String]) {
    self.templates = templates
    keys = templates.flatMap { text in text.split { !($0.isLetter || $0 == "_") }.map(String.init) }
  }

  func damaged(_ random: inout SplitMix64) -> [UInt8] {
    var bytes: [UInt8]
    switch random.index(5) {
    case 0: bytes = Array(tree(&random, depth: 0).utf8) + [0x0a]
    case 1:
      let (one, other) = (random.pick(templates), random.pick(templates))
      bytes = Mutation.of(Array(one.utf8), with: Array(other.utf8), &random)
    default:
      var lines = random.pick(templates).components(separatedBy: "\n")
      for _ in 0...random.index(4) { change(&lines, &random) }
      bytes = Array(lines.joined(separator: "\n").utf8)
    }
    return random.oneIn(20) ? [0xef, 0xbb, 0xbf] + bytes : bytes
  }

  private func change(_ lines: inout [String], _ random: inout SplitMix64) {
    let place = random.index(lines.count)
    let line = lines[place]
    switch random.index(8) {
    case 0: lines.insert(lines[random.index(lines.count)], at: place)
    case 1: if lines.count > 1 { lines.remove(at: place) }
    case 2: lines[place] = String(repeating: random.pick([" ", "\t"]), count: random.index(8)) + line
    case 3: lines[place] = String(line.drop { $0 == " " })
    case 4: lines.insert(random.pick(YAMLText.oddLines), at: place)
    default: lines[place] = changedWord(line, &random)
    }
  }

  /// A line with one of its words replaced.
  private func changedWord(_ line: String, _ random: inout SplitMix64) -> String {
    var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let place = random.index(words.count)
    let ending = words[place].last.map { ":,]}".contains($0) ? String($0) : "" } ?? ""
    words[place] = (random.oneIn(2) ? random.pick(keys) : YAMLText.value(&random)) + ending
    return words.joined(separator: " ")
  }

  /// Sections of known and unknown keys.
  private func tree(_ random: inout SplitMix64, depth: Int) -> String {
    let fields = (0..<random.index(6)).map { _ -> String in
      let key = random.oneIn(10) ? YAMLText.value(&random) : random.pick(keys)
      let isSection = depth < 4 && !random.oneIn(3)
      return "\(key): \(isSection ? tree(&random, depth: depth + 1) : YAMLText.value(&random))"
    }
    return "{\(fields.joined(separator: ", "))}"
  }

  private static func value(_ random: inout SplitMix64) -> String {
    switch random.index(12) {
    case 0...5: return random.pick(values)
    case 6: return "\(random.pick(Mutation.integers))"
    case 7: return "-\(random.pick(Mutation.integers))"
    case 8: return "[\(random.pick(values)), \(random.pick(values))]"
    case 9: return random.pick(["&a ", "*a", "!!binary ", "!!set ", "!x ", "| ", "> "]) + random.pick(values)
    case 10:
      let depth = random.pick([3, 50, 400, 999, 1001, 3000])
      let (open, close) = random.pick([("[", "]"), ("{a: ", "}"), ("[", ""), ("- ", ""), ("? ", "")])
      return String(repeating: open, count: depth) + String(repeating: close, count: depth)
    default: return random.pick(["x", "é", "ſ", "9", "-", "_"]).repeated(random.pick([1, 100, 3000, 40_000]))
    }
  }

  private static let values = [
    "", "~", "null", "true", "True", "yes", "0", "1", "-1", "0x10", "0o7", "1_000", "1e3", "1e400", ".inf", "-.inf",
    ".nan", "1e-400", "auto", "all", "''", "\"\"", "\"\\u0000\"", "'it''s'", "stage1", "stage3", "resnet-8",
    "wrn-16-2", "wrn-9999999999999999999-1", "textures", "mnist", "cifar-100", "sgd", "adamw", "cosine", "step", "int8",
    "bfloat16", "cuda", "held-out", "input.yaml", "base.yaml", "../input.yaml", "/dev/zero", "/", "~", "~root", ".",
    "9223372036854775807", "9223372036854775808", "2024-01-01", "12:30:45", "[]", "{}", "a: b", "#", "@", "`", "%",
  ]

  private static let oddLines = [
    "---", "...", "%YAML 1.1", "%TAG ! tag:x,2000:", "extends: input.yaml", "extends: base.yaml", "extends: /dev/zero",
    "<<: *a", "a: &a [*a]", "? [a, b]", ": c", "? {a: b} : c", "- a", "\u{85}", "\u{2028}", "\u{0}", "# comment",
    "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c]",
    "a: &a {x: y}\nb: {*a : *a}", "k: |\n  text\n more", "k: \"\n", "k: '", "{", "[", "}", "]", "&a", "*a", "!!", ":",
    "-", "?",
    bomb, "\(bomb)\n? *i\n: x", "\(bomb)\n? *i\n: x\n? *i\n: y",
  ]

  /// Nine lines that stand for 10^9 values.
  private static let bomb = "abcdefghi".map { letter in
    let before = letter == "a" ? "x" : "*\(Character(Unicode.Scalar(letter.asciiValue! - 1)))"
    return "\(letter): &\(letter) [\(Array(repeating: before, count: 10).joined(separator: ", "))]"
  }.joined(separator: "\n")
}

extension String {
  fileprivate func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}
