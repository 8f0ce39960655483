// A network that ends in another one's classifier: what SimKD trains and keeps.

import Graph
import Torch

/// A student whose map a projector brings to a teacher's shape, and whose logits are those of the teacher's classifier.
///
/// Its entries are the student's under `student`, the projector's under `projector`, and `classifier.weight` and
/// `classifier.bias`, which are frozen, as is the student's own classifier, which has no use. Its taps are the student's,
/// and `projected`, of whose mean over the image the classifier makes the logits.
public final class ReusedClassifierNetwork: Network {
  /// The tap of the projector's output.
  public static let projectedName = "projected"

  public let student: Network
  /// From the student's last map to the teacher's.
  public let projector: StudentProjector
  private let teacherClassifier: Linear?
  private let map: String

  /// - Parameters:
  ///   - student: is this network's own from now on.
  ///   - map: the student's tap that is projected.
  ///   - projector: from the student's channels to as many as the classifier has features.
  ///   - classifier: is copied; nil for a network that is never asked for logits.
  public init(
    student: Network, map: String = "last", projector: StudentProjector, classifier: TeacherClassifier?
  ) {
    self.student = student
    self.map = map
    self.projector = projector
    teacherClassifier = classifier.map { Linear($0) }
    super.init()
    student.classifier?.freeze()
    teacherClassifier?.freeze()
  }

  /// A network to load weights of such a one into.
  /// - Parameters:
  ///   - student: of the weights' own kind.
  ///   - shapes: of the weights, by name.
  ///   - facts: what `facts` was of the network that they are from.
  /// - Returns: nil for weights of another kind of network.
  package convenience init?(student: Network, shapes: [String: [Int]], facts: [String: String]) {
    guard let first = shapes["projector.conv1.weight"], let last = shapes["projector.conv3.weight"],
      let head = shapes["classifier.weight"], first.count == 4, last.count == 4, head.count == 2,
      head[1] == last[0]
    else { return nil }
    let projector = StudentProjector(
      first[1], last[0], pooledTo: facts["projector_size"].flatMap { Int($0) }, generator: Generator(seed: 0))
    self.init(
      student: student, map: facts["projector_map"] ?? "last", projector: projector,
      classifier: TeacherClassifier(weight: .zeros(head), bias: .zeros([head[0]])))
    move(to: .cpu)
  }

  /// What is to be known of it beside its weights: the map that is projected, and the side length it is pooled to.
  package var facts: [String: String] {
    ["projector_map": map, "projector_size": projector.size.map { "\($0)" } ?? "as it is"]
  }

  public override var entryNames: [String: String] { ["teacherClassifier": "classifier"] }

  public override var classifier: Linear? { teacherClassifier }

  /// The projector is as new as a classifier.
  public override var headModules: [Module] { [projector] + student.headModules + super.headModules }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    _ = student.forward(input, taps)
    guard let map = taps[map] else { preconditionFailure("the student has no tap '\(map)'") }
    let projected = projector(map)
    taps[ReusedClassifierNetwork.projectedName] = projected
    return teacherClassifier?(projected.averagePooled(toHeight: 1, width: 1).flattened(from: 1))
  }
}

extension Linear {
  /// A copy of a teacher's.
  fileprivate convenience init(_ classifier: TeacherClassifier) {
    let shape = classifier.weight.shape
    self.init(shape[1], shape[0], generator: Generator(seed: 0))
    withoutGradients {
      weight.copyInPlace(classifier.weight)
      bias.copyInPlace(classifier.bias)
    }
  }
}

/// SimKD's projector: 1 x 1, 3 x 3 and 1 x 1 convolutions with batch norms and ReLUs, half of the outputs' channels
/// between them.
public final class StudentProjector: Module {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let conv3: Convolution
  let bn3: BatchNorm
  let size: Int?

  /// - Parameters:
  ///   - inputs: the channels of the student's map.
  ///   - outputs: the channels of the teacher's.
  ///   - size: the side length to which the student's map is average-pooled first; nil to take it as it is.
  ///   - generator: draws the convolutions' weights.
  public init(_ inputs: Int, _ outputs: Int, pooledTo size: Int? = nil, generator: Generator) {
    let middle = StudentProjector.middle(outputs)
    conv1 = Convolution(inputs, middle, kernel: 1, bias: false, generator: generator)
    bn1 = BatchNorm(middle)
    conv2 = Convolution(middle, middle, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    bn2 = BatchNorm(middle)
    conv3 = Convolution(middle, outputs, kernel: 1, bias: false, generator: generator)
    bn3 = BatchNorm(outputs)
    self.size = size
  }

  /// The channels between the convolutions.
  static func middle(_ outputs: Int) -> Int { outputs / 2 }

  /// The student's map in the teacher's channels.
  public func callAsFunction(_ map: Tensor) -> Tensor {
    let input = size.map { map.averagePooled(toHeight: $0, width: $0) } ?? map
    let hidden = bn2(conv2(bn1(conv1(input)).relu())).relu()
    return bn3(conv3(hidden)).relu()
  }
}
