// Every method's value and gradients against PyTorch.

import Foundation
import GoldenFiles
import Kindred
import Testing
import Torch

@Suite struct LossGoldenTests {
  @Test(arguments: ["sp", "sp-relu"], Precision.all)
  func similarityPreserving(name: String, precision: Precision) throws {
    let golden = try Golden("losses")
    let student = leaf(try golden["\(name)/student"], precision.dtype)
    let loss = similarityLoss(student, try golden["\(name)/teacher"].to(precision.dtype))
    try check(loss, student, golden, name, precision)
  }

  /// The row of a zero image takes no gradient, where PyTorch's own `normalize` gives one of the order of 1e11.
  @Test(arguments: Precision.all)
  func similarityPreservingWithZeroRows(precision: Precision) throws {
    let golden = try Golden("losses")
    let student = leaf(try golden["sp-zero/student"], precision.dtype)
    let loss = similarityLoss(student, try golden["sp-zero/teacher"].to(precision.dtype))
    try check(loss, student, golden, "sp-zero", precision, gradient: "gradient-masked")
  }

  /// A class that the teacher rules out has probability 0 and adds 0: the divergence is that of the other classes, with
  /// the student's own normalisation over all.
  @Test(arguments: Precision.all)
  func knowledgeDistillationOfMaskedClasses(precision: Precision) throws {
    let (t, s) = ([1.0, 3, -2], [0.5, -1.0, 2, 1])
    let temperature = 2.0
    let teacher = Tensor(t + [-Double.infinity], shape: [1, 4]).to(precision.dtype)
    let student = leaf(Tensor(s, shape: [1, 4]), precision.dtype)
    let loss = KnowledgeDistillation(temperature: temperature)
    let value = loss(Activations(logits: student), TeacherOutput([.logits: teacher]))
    let p = softmax(t.map { $0 / temperature }) + [0]
    let q = softmax(s.map { $0 / temperature })
    let divergence = zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0) }
    #expect(abs(value.item - temperature * temperature * divergence) < 10 * precision.tolerance)
    // d/ds of T^2 KL(p || softmax(s / T)) is T (q - p).
    let slopes = try gradient(value, at: student).elements(as: Double.self)
    for (slope, (p, q)) in zip(slopes, zip(p, q)) {
      #expect(abs(slope - temperature * (q - p)) < 10 * precision.tolerance)
    }
  }

  private func softmax(_ logits: [Double]) -> [Double] {
    let powers = logits.map { exp($0) }
    return powers.map { $0 / powers.reduce(0, +) }
  }

  @Test(arguments: [("kd-4", 4.0), ("kd-1", 1.0)], Precision.all)
  func knowledgeDistillation(_ kd: (name: String, temperature: Double), precision: Precision) throws {
    let golden = try Golden("losses")
    let student = leaf(try golden["\(kd.name)/student"], precision.dtype)
    let teacher = try golden["\(kd.name)/teacher"].to(precision.dtype)
    let loss = KnowledgeDistillation(temperature: kd.temperature)
    let value = loss(Activations(logits: student), TeacherOutput([.logits: teacher]))
    try check(value, student, golden, kd.name, precision)
  }

  @Test(arguments: ["at", "at-large-student", "at-large-teacher", "at-zero"], Precision.all)
  func attentionTransfer(name: String, precision: Precision) throws {
    let golden = try Golden("losses")
    let student = leaf(try golden["\(name)/student"], precision.dtype)
    let teacher = try golden["\(name)/teacher"].to(precision.dtype)
    let pair = AttentionTransferLoss.Pair(
      LayerPair("stage1"), studentSize: student.shape[2], teacherSize: teacher.shape[2])
    let loss = value(of: AttentionTransferLoss([pair]), student: ["stage1": student], teacher: ["stage1": teacher])
    try check(loss, student, golden, name, precision)
  }

  /// Several layer pairs add up, and each student's layer gets its own gradient.
  @Test(arguments: ["sp-pairs", "at-pairs"], Precision.all)
  func pairs(name: String, precision: Precision) throws {
    let golden = try Golden("losses")
    let students = try (0..<2).map { leaf(try golden["\(name)/student.\($0)"], precision.dtype) }
    let teachers = try (0..<2).map { try golden["\(name)/teacher.\($0)"].to(precision.dtype) }
    let layers = (0..<2).map { LayerPair(student: "s\($0)", teacher: "t\($0)") }
    let method: any DistillationLoss =
      name == "sp-pairs"
      ? SimilarityPreserving(layers)
      : AttentionTransferLoss(
        zip(layers, zip(students, teachers)).map {
          AttentionTransferLoss.Pair($0, studentSize: $1.0.shape[2], teacherSize: $1.1.shape[2])
        })
    let loss = value(
      of: method, student: ["s0": students[0], "s1": students[1]], teacher: ["t0": teachers[0], "t1": teachers[1]])
    #expect(relativeError(loss, try golden["\(name)/loss.\(precision.suffix)"]) < precision.tolerance)
    let gradients = loss.gradients(of: students)
    for index in 0..<2 {
      let expected = try golden["\(name)/gradient.\(index).\(precision.suffix)"]
      #expect(relativeError(try #require(gradients[index]), expected) < precision.tolerance, "layer \(index)")
    }
  }

  @Test(arguments: ["hint", "hint-half", "hint-shrink"], Precision.all)
  func hint(name: String, precision: Precision) throws {
    let golden = try Golden("losses")
    let student = leaf(try golden["\(name)/student"], precision.dtype)
    let teacher = try golden["\(name)/teacher"].to(precision.dtype)
    let adapter = HintAdapter(
      student: (student.shape[1], student.shape[2]), teacher: (teacher.shape[1], teacher.shape[2]),
      generator: Generator(seed: 0))
    let parameters = ["conv.weight", "conv.bias", "bn.weight", "bn.bias"]
    for (entry, tensor) in adapter.state where entry != "bn.num_batches_tracked" {
      let data = parameters.contains(entry) ? try golden["\(name)/adapter.\(entry)"] : tensor.detached()
      tensor.setData(data.to(precision.dtype))
    }
    let loss = value(of: HintLoss(adapter: adapter), student: ["stage2": student], teacher: ["stage2": teacher])
    loss.backward()
    let suffix = precision.suffix
    #expect(relativeError(loss, try golden["\(name)/loss.\(suffix)"]) < precision.tolerance)
    let gradient = try #require(student.gradient)
    #expect(relativeError(gradient, try golden["\(name)/gradient.\(suffix)"]) < precision.tolerance)
    for (entry, tensor) in adapter.state {
      if parameters.contains(entry) {
        let gradient = try #require(tensor.gradient, "\(entry)")
        let expected = try golden["\(name)/adapter-gradient.\(entry).\(suffix)"]
        // Batch norm takes the mean away again, so that the bias before it has no gradient but rounding.
        #expect(
          entry == "conv.bias"
            ? gradient.abs().maximum().item < precision.tolerance
            : relativeError(gradient, expected) < precision.tolerance, "\(entry)")
      } else if entry.hasPrefix("bn.running") {
        #expect(relativeError(tensor, try golden["\(name)/after.\(entry).\(suffix)"]) < precision.tolerance, "\(entry)")
      }
    }
  }

  /// The adapter starts from PyTorch's default weights, the first draws from the seed.
  @Test(arguments: [("hint", UInt64(11)), ("hint-half", 12), ("hint-shrink", 14)])
  func hintAdapterStartsAsPyTorchs(name: String, seed: UInt64) throws {
    let golden = try Golden("losses")
    let (student, teacher) = (try golden["\(name)/student"].shape, try golden["\(name)/teacher"].shape)
    let adapter = HintAdapter(
      student: (student[1], student[2]), teacher: (teacher[1], teacher[2]), generator: Generator(seed: seed))
    #expect(adapter.conv.weight.bytes() == (try golden["\(name)/adapter.conv.weight"].bytes()))
    #expect(adapter.conv.bias?.bytes() == (try golden["\(name)/adapter.conv.bias"].bytes()))
  }

  private func check(
    _ loss: Tensor, _ student: Tensor, _ golden: Golden, _ name: String, _ precision: Precision,
    gradient entry: String = "gradient"
  ) throws {
    #expect(loss.dtype == precision.dtype)
    #expect(relativeError(loss, try golden["\(name)/loss.\(precision.suffix)"]) < precision.tolerance)
    let expected = try golden["\(name)/\(entry).\(precision.suffix)"]
    #expect(relativeError(try gradient(loss, at: student), expected) < precision.tolerance)
  }
}
