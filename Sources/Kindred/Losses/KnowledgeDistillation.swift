// Hinton's knowledge distillation, by logits, and what later papers made of its temperature and weights.

import Torch

/// KD: Hinton, Vinyals & Dean, *Distilling the Knowledge in a Neural Network*, 2015, section 2.
///
/// T^2 KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch. The factor T^2 keeps the gradient's
/// size when T changes. Agrees with `distiller_zoo/KD.py` of HobbitLong/RepDistiller. In the usual weighting alpha of
/// this term goes with 1 - alpha of cross-entropy.
///
/// Each of four options is a paper's own method; of these only `standardize` and `curriculum` go together:
/// - `standardize`, LSKD: Sun et al., *Logit Standardization in Knowledge Distillation*, CVPR 2024. Each row of logits
///   becomes (z - mean) / (standard deviation + 1e-7), unbiased. Published with T = 2, weight 9 and cross-entropy 0.1
///   (resnet110 to resnet20: T = 4, weight 12).
/// - `normalize`, NormKD: Chi et al., *NormKD: Normalized Logits for Knowledge Distillation*, 2023. Each row of logits has
///   a temperature of its own, T times its unbiased standard deviation; the factor is the square of the teacher's.
///   Published with T = 2 and alpha 0.9.
/// - `weighted`, WSLD: Zhou et al., *Rethinking Soft Labels for Knowledge Distillation: A Bias-Variance Tradeoff
///   Perspective*, ICLR 2021. T^2 times the mean of soft cross-entropies (not KL), each multiplied by
///   1 - exp(-CE_student / (CE_teacher + 1e-7)) of its label, without a gradient. Published with T = 2, weight 2.5 and a
///   whole cross-entropy; on CIFAR-100 with T = 4 and 2.25.
/// - `curriculum`, CTKD: Li et al., *Curriculum Temperature for Knowledge Distillation*, AAAI 2023. T is trained, see
///   `CurriculumLoss`.
public struct KnowledgeDistillation: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "kd", paper: "Hinton, Vinyals & Dean, 2015",
    formula: "T^2 KL(softmax(z_t / T) || softmax(z_s / T)), the mean over the batch",
    agreesWith: "distiller_zoo/KD.py of HobbitLong/RepDistiller", compares: "logits",
    trains: "the temperature, with curriculum", records: "the logits", weight: 1, publishedWeight: "alpha 0.9")
  public static let settings = [
    Setting.number("alpha", \KnowledgeDistillation.alpha, .unit, "the weight, with 1 - alpha of cross-entropy"),
    Setting.number(
      "temperature", \KnowledgeDistillation.temperature, .positive,
      "T, by which logits are divided: 4, or 2 with standardize, normalize or weighted"),
    Setting.flag("standardize", \KnowledgeDistillation.standardize, "whether each row becomes z-scores (LSKD)"),
    Setting.flag("normalize", \KnowledgeDistillation.normalize, "whether T is relative to each row's spread (NormKD)"),
    Setting.flag("weighted", \KnowledgeDistillation.weighted, "whether well-learned inputs count less (WSLD)"),
    Setting.flag("curriculum", \KnowledgeDistillation.curriculum, "whether T is trained (CTKD)"),
  ]

  /// The share of the term in its sum with cross-entropy; nil for a term with a weight beside a whole cross-entropy.
  public var alpha: Double? = 0.9
  /// T, by which logits are divided; nil where it is trained. Unless it is set, 4, or 2 with the options that were
  /// published so.
  public var temperature: Double? {
    get { curriculum ? nil : chosenTemperature ?? (standardize || normalize || weighted ? 2 : 4) }
    set { chosenTemperature = newValue }
  }
  /// Whether each row of logits becomes z-scores first: LSKD.
  public var standardize = false
  /// Whether T is relative to the standard deviation of each row of logits: NormKD.
  public var normalize = false
  /// Whether inputs that the student has learned as well as the teacher count less: WSLD.
  public var weighted = false
  /// Whether T is trained, against the student: CTKD.
  public var curriculum = false
  private var chosenTemperature: Double?

  /// With the usual settings.
  public init() {}

  /// With a temperature, all else as usual.
  public init(temperature: Double) { self.temperature = temperature }

  public var ownWeight: Double? { alpha }
  public static var ownWeightKey: String? { "alpha" }
  public mutating func giveUpOwnWeight() { alpha = nil }
  public var crossEntropyFactor: Double { 1 - (alpha ?? 0) }
  public var needsLabels: Bool { weighted }

  /// Whether they do the same: a temperature that was set to the usual one is no difference.
  public static func == (one: Self, other: Self) -> Bool {
    (one.alpha, one.temperature, one.standardize, one.normalize, one.weighted, one.curriculum)
      == (other.alpha, other.temperature, other.standardize, other.normalize, other.weighted, other.curriculum)
  }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    try checkOptions()
    return curriculum ? CurriculumLoss(standardize: standardize) : self
  }

  private func checkOptions() throws {
    let options = [
      ("standardize", standardize), ("normalize", normalize), ("weighted", weighted), ("curriculum", curriculum),
    ].filter(\.1).map(\.0)
    guard options.count < 2 || options == ["standardize", "curriculum"] else {
      throw MethodError("does not go together with \(options[0]); keep one of them", key: options[1])
    }
    if curriculum, chosenTemperature != nil {
      throw MethodError("is trained, with curriculum; leave it out, or curriculum", key: "temperature")
    }
  }

  public var statistics: Set<TeacherStatistic> { [.logits] }
  public var request: ActivationRequest { .logits }
  public var reduction: BatchReduction { weighted ? .labelledInputs : .inputs }

  public func callAsFunction(_ step: Step) -> Tensor {
    // Not a precondition, whose words an optimised build leaves out.
    guard let temperature else { fatalError("a temperature is trained by what loss(for:) makes") }
    let (student, teacher) = (step.student.requiredLogits(), step.teacher[.logits])
    if normalize { return normalized(student, teacher, temperature) }
    if weighted { return weighted(student, teacher, temperature, step.batch.requiredLabels()) }
    if standardize { return plain(student.standardized(), teacher.standardized(), temperature) }
    return plain(student, teacher, temperature)
  }

  private func plain(_ student: Tensor, _ teacher: Tensor, _ temperature: Double) -> Tensor {
    let studentLog = (student / temperature).logSoftmax(1)
    let teacherLog = (teacher / temperature).logSoftmax(1)
    return studentLog.klDivergence(logTarget: teacherLog) * (temperature * temperature / Double(student.shape[0]))
  }

  private func normalized(_ student: Tensor, _ teacher: Tensor, _ temperature: Double) -> Tensor {
    // Softmax does not see a shift: a row over its deviation is as good as its z-scores, and these are smaller.
    let root = Double(student.shape[1] - 1).squareRoot()
    func scaled(_ logits: Tensor) -> Tensor { logits.centred(1).normalized() * (root / temperature) }
    let factor = teacher.variance([1]) * (temperature * temperature)
    return (scaled(student).divergence(from: scaled(teacher)) * factor).mean()
  }

  private func weighted(_ student: Tensor, _ teacher: Tensor, _ temperature: Double, _ labels: Tensor) -> Tensor {
    let targets = Targets(labels, of: student)
    let (own, other) = (targets.own(student.logSoftmax(1)), targets.own(teacher.logSoftmax(1)))
    let weights = (own / other.affine(scale: -1, shift: 1e-7)).exp().affine(scale: -1, shift: 1).detached()
    let entropies = (student / temperature).softCrossEntropy(with: teacher / temperature)
    return targets.mean(entropies * weights) * (temperature * temperature)
  }
}
