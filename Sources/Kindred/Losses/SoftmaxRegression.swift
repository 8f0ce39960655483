// Softmax regression representation learning.

import Torch

/// SRRL: Yang et al., *Knowledge Distillation via Softmax Regression Representation Learning*, ICLR 2021.
///
/// A trained connector (1 x 1 convolution, batch norm, ReLU) brings the student's pooled vector to the teacher's width:
/// f (b x d). The loss is the mean squared difference of f and the teacher's pooled vector, plus that of what the
/// teacher's frozen classifier makes of f and the teacher's logits.
///
/// Agrees with the form of DefangChen/SimKD, whose tables compare it. The authors' code for ImageNet (jingyang2017/KD_SRRL)
/// applies the connector to the map before pooling; the paper also gives the second term as a cross-entropy.
public struct SoftmaxRegression: Method {
  public static let card = MethodCard(
    name: "srrl", paper: "Yang et al., ICLR 2021",
    formula: """
      f = r(f_s), r the connector; h the teacher's classifier
      mean((f - f_t)^2) + mean((h(f) - z_t)^2)
      """,
    agreesWith: "models/util.py of DefangChen/SimKD",
    compares: "pooled vectors, and logits of the teacher's classifier", trains: "a 1 x 1 convolution and batch norm",
    records: "the pooled vectors and the logits", weight: 1,
    loneInput: "batch norm takes its statistics from the batch")

  public static var needsClassifier: Bool { true }

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let widths = try setup.pooledWidths()
    let classifier = try classifier(for: setup, width: widths.teacher)
    let connector = Connector(widths.student, widths.teacher, generator: setup.generator)
    withoutGradients {
      setup.generator.fillNormal(connector.conv.weight, deviation: (2 / Double(widths.teacher)).squareRoot())
    }
    return SoftmaxRegressionLoss(connector: connector, classifier: classifier)
  }

  private func classifier(for setup: LossSetup, width: Int) throws -> TeacherClassifier {
    guard let classes = setup.teacher.classes else {
      throw MethodError("needs logits, and \(setup.teacher.name) gives none; use sp, at or hint")
    }
    guard let classifier = setup.classifier else {
      guard setup.samples == nil else {
        throw MethodError(
          "needs the classifier of the teacher, which is not known of \(setup.teacher.name); give a teacher by its "
            + "weights, or use crd")
      }
      // Only shapes are looked at.
      return TeacherClassifier(weight: .zeros([classes, width]), bias: .zeros([classes]))
    }
    guard classifier.weight.shape == [classes, width], classifier.bias.shape == [classes] else {
      throw MethodError(
        "the teacher's classifier has shapes \(classifier.weight.shape) and \(classifier.bias.shape), but for its "
          + "pooled vector and logits they must be \([classes, width]) and \([classes])")
    }
    return classifier
  }
}

private final class SoftmaxRegressionLoss: DistillationLoss {
  private let connector: Connector
  private var classifier: TeacherClassifier

  init(connector: Connector, classifier: TeacherClassifier) {
    self.connector = connector
    self.classifier = TeacherClassifier(weight: classifier.weight.detached(), bias: classifier.bias.detached())
  }

  var module: Module? { connector }
  var statistics: Set<TeacherStatistic> { [.pooled, .logits] }
  var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }

  func callAsFunction(_ step: Step) -> Tensor {
    let pooled = step.student.tap(Activations.pooledName)
    let features = connector(pooled.reshaped(pooled.shape + [1, 1]), relu: true).flattened(from: 1)
    return features.meanSquaredError(step.teacher[.pooled])
      + logits(of: features).meanSquaredError(step.teacher[.logits])
  }

  private func logits(of features: Tensor) -> Tensor {
    // A run moves modules to its device, and the classifier is none of ours.
    if classifier.weight.device != features.device {
      classifier = TeacherClassifier(
        weight: classifier.weight.to(device: features.device), bias: classifier.bias.to(device: features.device))
    }
    return features.linear(classifier.weight, bias: classifier.bias)
  }
}
