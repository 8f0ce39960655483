// SimKD: the student takes over the teacher's classifier.

import Torch

/// SimKD: Chen, Mei, Zhang, Wang, Feng & Chen, *Knowledge Distillation with the Reused Teacher Classifier*, CVPR 2022.
///
/// A projector P brings the student's last map to the shape of the teacher's, after its ReLU, and the loss is the mean
/// squared difference of both. Maps of different size are average-pooled to the smaller first. The student's logits are
/// those of the teacher's classifier, frozen, on the mean of P's map over the image: projector and classifier are a part
/// of the network that is kept (`ReusedClassifierNetwork`), and count. Cross-entropy has no weight: labels are not needed.
///
/// Agrees with `models/util.py` and `helper/loops.py` of DefangChen/SimKD. The benchmark's last map of a Wide ResNet is the
/// sum before its last batch norm; here it is the one that its classifier sees the mean of.
public struct ReusedTeacherClassifier: Method {
  public static let card = MethodCard(
    name: "simkd", paper: "Chen et al. (SimKD), CVPR 2022",
    formula: "mean((P(A_s) - A_t)^2), P the projector of the last maps",
    agreesWith: "models/util.py and helper/loops.py of DefangChen/SimKD", compares: "the last maps",
    trains: "a projector of three convolutions, which stays in the student, as the teacher's classifier does",
    records: "the teacher's map (large)", weight: 1)
  public static let settings = [
    Setting.layers(
      \ReusedTeacherClassifier.layers,
      "the one pair that is compared: the teacher's map is that which its classifier sees the mean of")
  ]
  public static let needsClassifier = true

  public var layers: [LayerPair]

  /// The last maps, after their ReLUs.
  public init() { layers = [LayerPair("last")] }

  public var crossEntropyFactor: Double { 0 }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let (student, teacher) = try maps(setup)
    if setup.teacher.classes != nil { try setup.requireSameClasses() }
    if let classifier = setup.classifier, classifier.weight.shape[1] != teacher.channels {
      throw MethodError(
        "the teacher's classifier sees \(classifier.weight.shape[1]) features, but its \(layers[0].teacher) has "
          + "\(teacher.channels) channels; name its last map", key: "layers")
    }
    let projector = StudentProjector(
      student.channels, teacher.channels, pooledTo: student.size > teacher.size ? teacher.size : nil,
      generator: setup.generator)
    projector.move(to: .cpu)
    return ReusedTeacherClassifierLoss(
      layers: layers[0], projector: projector, classifier: setup.classifier,
      teacherSize: teacher.size > student.size ? student.size : nil)
  }

  /// The projector's and the teacher's classifier's, less the student's own classifier's, which has no use.
  public func addedCost(for setup: LossSetup) throws -> NetworkCost? {
    let (student, teacher) = try maps(setup)
    let classes = setup.teacher.classes ?? 0
    let own = setup.student.shape(of: Activations.pooledName)?.first ?? 0
    let middle = StudentProjector.middle(teacher.channels)
    let weights = student.channels * middle + 9 * middle * middle + middle * teacher.channels
    let pixels = min(student.size, teacher.size) * min(student.size, teacher.size)
    return NetworkCost(
      parameters: weights + 2 * (2 * middle + teacher.channels) + (teacher.channels - own) * classes,
      multiplyAdds: weights * pixels + (teacher.channels - own) * classes)
  }

  private func maps(_ setup: LossSetup) throws -> (student: MapShape, teacher: MapShape) {
    guard layers.count == 1 else {
      throw MethodError("the student takes over one map; keep one pair", key: "layers")
    }
    return try setup.maps(layers[0], name)
  }
}

/// The mean squared difference of a projected student's map from the teacher's.
struct ReusedTeacherClassifierLoss: DistillationLoss {
  let layers: LayerPair
  let projector: StudentProjector
  /// nil where only shapes are looked at, or maps are compared without a network.
  let classifier: TeacherClassifier?
  /// What the teacher's map is pooled to.
  let teacherSize: Int?

  var module: Module? { projector }
  var statistics: Set<TeacherStatistic> { [statistic] }
  var request: ActivationRequest { ActivationRequest(taps: [ReusedClassifierNetwork.projectedName]) }

  func student(_ network: Network) -> Network {
    ReusedClassifierNetwork(student: network, map: layers.student, projector: projector, classifier: classifier)
  }

  func callAsFunction(_ step: Step) -> Tensor {
    step.student.tap(ReusedClassifierNetwork.projectedName).meanSquaredDistance(to: step.teacher[statistic])
  }

  private var statistic: TeacherStatistic {
    teacherSize.map { .activation(layers.teacher, pooledTo: $0) } ?? .activation(layers.teacher)
  }
}
