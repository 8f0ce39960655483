// Teachers that nobody should learn from, each refused for its own reason before it teaches.

import Kindred
import TestSupport
import Testing
import Torch

@Suite struct TeacherCheckTests {
  /// A network from elsewhere, as a closure.
  private struct Foreign: TeacherSignal {
    let network: (Tensor) throws -> Activations

    func activations(of input: Tensor) throws -> Activations? { try network(input) }

    func output(for batch: Batch) throws -> TeacherOutput {
      TeacherOutput(try network(batch.student), [.logits, .activation("maps")])
    }

    /// Logits and maps that depend on each input alone.
    static func sound(_ images: Tensor) -> Activations {
      Activations(logits: images.mean([2, 3]), taps: ["maps": images * 2])
    }
  }

  private let batch = TinyBatches.batch(at: BatchPosition())

  private func problem(_ network: @escaping (Tensor) throws -> Activations) throws -> String? {
    do {
      _ = try Foreign(network: network).check(on: batch)
      return nil
    } catch let error as BrokenTeacher {
      return error.problem
    }
  }

  @Test func aSoundTeacherIsLetPass() throws {
    #expect(try Foreign(network: Foreign.sound).check(on: batch) == [])
    let network = TinyNetwork(4, seed: 3).warmedUp()
    #expect(try LiveTeacher(network, statistics: [.logits, .similarity("stage2")]).check(on: batch) == [])
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func answersThatAreNotFiniteAreRefused(value: Double) throws {
    let last = Tensor.arange(6, dtype: .float32).equal(to: 5).reshaped([6, 1, 1, 1])
    let maps = try problem { images in
      let broken = Tensor.where(last, .full([1], value), images)
      return Activations(logits: images.mean([2, 3]), taps: ["maps": broken])
    }
    #expect(maps == "gives 'maps' with NaN or infinity in it for the run's first batch")
    let logits = try problem { images in
      Activations(logits: Tensor.where(last.reshaped([6, 1]), .full([1], value), images.mean([2, 3])))
    }
    #expect(logits == "gives 'logits' with NaN or infinity in it for the run's first batch")
  }

  /// The fused ReLU turns the NaN into 0, so that nothing is seen in what such a teacher says.
  @Test(arguments: [Double.nan, .infinity])
  func oneBrokenFilterIsEnough(value: Double) throws {
    let network = TinyNetwork(4, seed: 3).warmedUp()
    withoutGradients { network.conv1.weight.narrowed(0, 2..<3).fillInPlace(value) }
    let teacher = LiveTeacher(network, statistics: [.similarity("stage2")])
    let error = #expect(throws: BrokenTeacher.self) { try teacher.check(on: batch) }
    #expect(error?.problem.contains("'conv1.weight' holds NaN or infinity (18 of 72 values)") == true)
  }

  @Test func answersOfNothingButZerosAreRefused() throws {
    let dead = try problem { Activations(logits: $0.mean([2, 3]), taps: ["maps": $0 * 0]) }
    #expect(dead?.hasPrefix("gives 'maps' of nothing but zeros") == true)
  }

  /// Dropout that was exported with the network.
  @Test func anAnswerThatChangesIsRefused() throws {
    let generator = Generator(seed: 3)
    let dropout = try problem { images in
      let kept = generator.uniform(images.shape).greater(than: 0.1)
      return Activations(logits: images.mean([2, 3]), taps: ["maps": Tensor.where(kept, images, images * 0)])
    }
    #expect(dropout?.hasPrefix("gives another 'maps' when it is asked again about the same inputs") == true)
    #expect(dropout?.contains("call eval() before exporting") == true)
  }

  /// Batch statistics that were exported with the network; also one that takes batches of six only.
  @Test(arguments: [false, true])
  func anAnswerThatDependsOnOtherInputsIsRefused(isOfOneSize: Bool) throws {
    struct WrongSize: Error {}
    let statistics = try problem { images in
      if isOfOneSize, images.shape[0] != 6 { throw WrongSize() }
      return Foreign.sound(images - images.mean([0, 2, 3], keepingAxes: true))
    }
    #expect(statistics?.hasPrefix("gives another 'logits' for an input when other inputs stand beside it") == true)
    let sound = try problem { images in
      if isOfOneSize, images.shape[0] != 6 { throw WrongSize() }
      return Foreign.sound(images)
    }
    #expect(sound == nil)
  }

  @Test func maskedClassesAreSoundLogits() throws {
    let masked = try problem { images in
      Activations(
        logits: Tensor.concatenated([images.mean([2, 3]), .full([images.shape[0], 1], -.infinity)], axis: 1))
    }
    #expect(masked == nil)
  }

  @Test func probabilitiesInPlaceOfLogitsAreSaid() throws {
    let odd = try Foreign { Activations(logits: $0.mean([2, 3]).softmax(1)) }.check(on: batch)
    #expect(odd.count == 1)
    #expect(odd.first?.contains("probabilities") == true)
  }

  /// A teacher that breaks in the midst of a run is blamed, and not the learning rate.
  @Test func aTeacherThatBreaksLaterIsBlamed() throws {
    struct Breaking: TeacherSignal {
      func output(for batch: Batch) throws -> TeacherOutput {
        let value: Double = batch.position.batch == 2 ? .nan : 1
        return TeacherOutput([.logits: .full([6, 3], value)])
      }
    }
    let student = TinyNetwork(2, seed: 1)
    let objective = Objective([.crossEntropy(), .init("kd", KnowledgeDistillation(), weight: 1)])
    let distiller = Distiller(
      student: student, teacher: Breaking(), objective: objective,
      recipe: Recipe(epochs: 1, schedule: .init(.constant)))
    let error = #expect(throws: BrokenTeacher.self) {
      _ = try distiller.run(
        on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false }, onEvent: { _ in })
    }
    #expect(error?.problem == "gives 'logits' with NaN or infinity in it")
    #expect(distiller.progress.position.batch == 2)
  }
}
