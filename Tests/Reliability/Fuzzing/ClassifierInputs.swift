// The classifier of a recorded teacher from anybody, as the methods that need it use it.

import Foundation
import Graph
import Kindred
import KindredVision
import Torch

struct ClassifierInputs: FuzzedReader {
  private let recording: Recording
  private let template: TensorFile
  private let methods: [any Method] = [SoftmaxRegression(), ReusedTeacherClassifier()]
  private let step: Batch
  private static let (batch, classes, channels, size) = (4, 3, 2, 4)

  private static let network = NetworkDescription(
    name: "tiny", classes: classes, taps: ["last": [channels, size, size], Activations.pooledName: [channels]])

  init(_ folder: URL) throws {
    let statistics: Set<TeacherStatistic> = [.logits]
    let header = RecordingHeader(
      teacher: ClassifierInputs.network, teacherFacts: [.init("teacher", "1")],
      batches: .init(epochs: 1, perEpoch: 1, size: 4, lastSize: 4, facts: [.init("data", "tiny")]),
      methods: ["srrl", "simkd"], statistics: statistics, storage: .float32)
    _ = try RecordingWriter(header, statistics: statistics, to: folder)
    recording = try Recording(folder)
    let generator = Generator(seed: 1)
    template = try TensorFile(
      Array(
        Safetensors.encode([
          "weight": generator.normal([ClassifierInputs.classes, ClassifierInputs.channels]),
          "bias": .zeros([ClassifierInputs.classes]),
        ])))
    step = Batch(.zeros([ClassifierInputs.batch, 1]), labels: nil, position: BatchPosition())
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    [InputFile(name: "classifier.safetensors", bytes: template.mutated(&random))]
  }

  func read() throws {
    guard let classifier = try recording.classifier() else { throw Failure("a recording without its classifier") }
    for method in methods {
      let setup = LossSetup(
        student: ClassifierInputs.network, teacher: ClassifierInputs.network, samples: .init(count: 4, labels: nil),
        classifier: classifier, generator: Generator(seed: 1))
      let loss = try method.loss(for: setup)
      _ = try withTorchErrors { () -> Tensor in
        let student = loss.student(GivenNetwork()).activations(of: step.student, loss.request)
        let teacher = TeacherOutput(ClassifierInputs.activations, loss.statistics)
        return loss(Step(student: student, teacher: teacher, batch: step))
      }
    }
  }

  fileprivate static var activations: Activations {
    Activations(
      logits: .zeros([batch, classes]),
      taps: ["last": .zeros([batch, channels, size, size]), Activations.pooledName: .zeros([batch, channels])])
  }
}

/// A network that gives zeros, whatever it sees.
private final class GivenNetwork: Network {
  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    for (name, activation) in ClassifierInputs.activations.taps { taps[name] = activation }
    return ClassifierInputs.activations.logits
  }
}
