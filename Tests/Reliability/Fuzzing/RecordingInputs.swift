// Recordings from anybody: the header with a checksum that is right, and the shards.

import Foundation
import Kindred
import KindredExperiments
import KindredVision
import Torch

/// A small recording, and reading all of it as a run does.
private struct RecordingTemplate {
  let folder: URL
  let header: JSONTree
  let shards: [InputFile]
  private let statistics: Set<TeacherStatistic>
  private let student: Configuration
  private let images = Tensor.zeros([6, 1])
  private let labels = Tensor([0, 1, 2, 0, 1, 2] as [Int64], shape: [6])
  private static let (epochs, perEpoch) = (2, 2)

  init(_ folder: URL) throws {
    self.folder = folder
    let objective = RecordingTemplate.objective()
    let statistics = objective.statistics
    self.statistics = statistics
    let header = RecordingHeader(
      teacher: NetworkDescription(
        name: "tiny", classes: 10, taps: ["stage1": [3, 6, 6], "stage2": [6, 3, 3], "stage3": [6, 3, 3]]),
      teacherFacts: [.init("teacher", "1")],
      batches: .init(
        epochs: RecordingTemplate.epochs, perEpoch: RecordingTemplate.perEpoch, size: 6, lastSize: 6,
        facts: [.init("data", "tiny")]),
      methods: ["sp", "kd", "at", "hint"], statistics: statistics, storage: .float32)
    let writer = try RecordingWriter(header, statistics: statistics, to: folder)
    let generator = Generator(seed: 1)
    // Two shards, as earlier versions cut them: so few batches are one shard otherwise.
    for batches in [0...0, 1...3] {
      let blocks = batches.flatMap { batch in
        statistics.map { ("\(batch)/\($0.name)", generator.normal(RecordingTemplate.shape($0))) }
      }
      try Recording.write(Dictionary(uniqueKeysWithValues: blocks), of: batches, in: folder)
    }
    try writer.finish()
    self.header = try JSONTree(Data(contentsOf: folder.appending(path: "recording.json")))["recording"] ?? .list([])
    shards = try ["00000000-00000000.safetensors", "00000001-00000003.safetensors"].map {
      InputFile(name: $0, bytes: Array(try Data(contentsOf: folder.appending(path: $0))))
    }
    let file = folder.appending(path: "student.yaml")
    try Data(RecordingTemplate.settings.utf8).write(to: file)
    student = try Configuration.load(file: file)
  }

  private static func objective() -> Objective {
    let adapter = HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: 5))
    let maps = AttentionTransferLoss([.init(LayerPair("stage1"), studentSize: 6, teacherSize: 6)])
    let losses: [any DistillationLoss] = [
      SimilarityPreserving([LayerPair("stage2")]), KnowledgeDistillation(), maps, HintLoss(adapter: adapter),
    ]
    return Objective([.crossEntropy()] + losses.enumerated().map { .init("\($0)", $1, weight: 1) })
  }

  private static func shape(_ statistic: TeacherStatistic) -> [Int] {
    switch statistic.name.prefix(while: { $0 != "." }) {
    case "logits": [6, 10]
    case "similarity": [6, 6]
    case "attention": [6, 36]
    default: [6, 6, 3, 3]
    }
  }

  private static let settings = """
    data: {set: textures}
    student: {network: resnet-8}
    teacher: {recording: tape}
    losses: {sp: {weight: 1}, kd: {alpha: 0.5}, at: {weight: 1}, hint: {weight: 1}}
    """

  func read() throws {
    let recording = try Recording(folder)
    try student.check(teacher: recording.header.teacher)
    let teacher = try RecordedTeacher(recording, statistics: statistics)
    for index in 0..<RecordingTemplate.epochs * RecordingTemplate.perEpoch {
      let position = BatchPosition(epoch: index / RecordingTemplate.perEpoch, batch: index % RecordingTemplate.perEpoch)
      _ = try teacher.output(for: Batch(images, labels: labels, position: position))
    }
  }

  /// The header's file with the checksum that Kindred will find, where it is a header at all.
  static func file(_ header: JSONTree) -> InputFile {
    var sum = "00000000"
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    if let value = try? JSONDecoder().decode(RecordingHeader.self, from: Data(header.text.utf8)),
      let data = try? encoder.encode(value)
    {
      sum = checksum(of: Array(data)[...])
    }
    let text = "{\"recording\":\(header.text),\"checksum\":\"\(sum)\"}"
    return InputFile(name: "recording.json", bytes: Array(text.utf8))
  }
}

struct RecordingHeaderInputs: FuzzedReader {
  private let template: RecordingTemplate

  init(_ folder: URL) throws { template = try RecordingTemplate(folder) }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var header = template.header
    var files = template.shards
    for _ in 0...random.index(3) { header.mutate(&random) }
    if random.oneIn(6), let index = files.indices.randomElement(using: &random) {
      let name = random.pick([
        "5-3.safetensors", "0-9223372036854775807.safetensors", "9223372036854775807-9223372036854775807.safetensors",
        "0-99999999999999999999.safetensors", "00000000-00000003.safetensors", "٠-٣.safetensors", "1-.safetensors",
      ])
      files[index] = InputFile(name: name, bytes: files[index].bytes)
    }
    var file = RecordingTemplate.file(header)
    if random.oneIn(5) {
      file = InputFile(name: file.name, bytes: Mutation.of(file.bytes, with: file.bytes, &random))
    }
    return files + [file]
  }

  func read() throws { try template.read() }
}

struct RecordingShardInputs: FuzzedReader {
  private let template: RecordingTemplate
  private let header: InputFile
  private let files: [TensorFile]

  init(_ folder: URL) throws {
    template = try RecordingTemplate(folder)
    header = RecordingTemplate.file(template.header)
    files = try template.shards.map { try TensorFile($0.bytes) }
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var inputs = template.shards + [header]
    let index = random.index(files.count)
    var bytes = files[index].mutated(&random)
    if !random.oneIn(3), var file = try? TensorFile(whole: bytes) {
      file.fixChecksums()
      bytes = file.bytes
    }
    inputs[index] = InputFile(name: inputs[index].name, bytes: bytes)
    return inputs
  }

  func read() throws { try template.read() }
}

extension TensorFile {
  /// A file that may be damaged.
  fileprivate init(whole bytes: [UInt8]) throws {
    let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard bytes.count >= 8, length <= UInt64(bytes.count - 8) else { throw Failure("no safetensors file") }
    try self.init(bytes)
  }
}
