// The settings of a recipe, each declared once.

import Torch

extension Recipe {
  package static let settings: [Setting<Recipe>] = [
    .wholeNumber("epochs", \.epochsOfSchedule, in: 1...1_000_000, "passes over the training inputs"),
    .wholeNumber("batch_size", \.batchSize, in: 1...1_000_000, "inputs a step"),
    .seed("seed", \.seed, "initialises the networks, and draws what losses draw"),
    .seed("plan_seed", \.planSeed, "orders and augments the images; the same as seed unless given"),
    .wholeNumber(
      "plan_epochs", \.planEpochs, in: 1...1_000_000, "after how many epochs the plan of order, crops and flips repeats"
    ),
    .flag("drop_last", \.dropLast, "leaves out an epoch's last batch when it is smaller"),
    .form("optimizer", \.optimizer, OptimizerOptions.forms, name: \.name, "how parameters follow their gradients"),
    .form("schedule", \.schedule, LearningRateSchedule.forms, name: \.name, "the learning rate in each epoch"),
    .number(
      "backbone_rate_factor", \.backboneRateFactor, .positive,
      "what the learning rate is multiplied by for all of the student but its classifier"),
    .wholeNumber(
      "accumulate", \.accumulate, in: 1...1_000_000,
      "batches a step of the optimiser, by the mean of their losses; each loss compares the inputs of one batch alone"),
    .number(
      "clip_gradients", \.clipGradients, .positive, "the norm that a step's gradients together are scaled down to"),
    .number("ema", \.ema, .belowOne, "decay of a moving average of the student's weights, measured beside them"),
    .wholeNumber(
      "evaluate_every", \.evaluateEvery, in: 1...Int.max, "epochs between evaluations; the last is evaluated"),
    .wholeNumber(
      "patience", \.patience, in: 1...Int.max, "evaluations without a better accuracy after which the run ends"),
    .wholeNumber(
      "threads", \.threads, in: 0...1024,
      "for tensor work; 0 for OMP_NUM_THREADS, or the physical cores that there are for it"),
    .choice("device", \.device, "where to train"),
    .choice("precision", \.precision, "of convolutions and linear layers"),
    .flag(
      "sync_batch_norm", \.syncBatchNorm,
      "where several processes share a batch, normalises by the statistics of all its inputs"),
    .flag("cuda_graph", \.cudaGraph, "captures the whole step on a CUDA device"),
  ]

  /// The epochs, with which a usual schedule stays the usual one.
  private var epochsOfSchedule: Int {
    get { epochs }
    set {
      if schedule == .usual(epochs: epochs) { schedule = .usual(epochs: newValue) }
      epochs = newValue
    }
  }
}

extension OptimizerOptions {
  fileprivate var name: String {
    switch self {
    case .sgd: "sgd"
    case .adamW: "adamw"
    }
  }

  fileprivate static let forms: [Form<OptimizerOptions>] = [
    Form("sgd", .sgd(SGD.Options()), SGD.Options.settings.map { $0.of(\.sgd) }),
    Form("adamw", .adamW(AdamW.Options()), AdamW.Options.settings.map { $0.of(\.adamW) }),
  ]

  /// The options where it is SGD.
  private var sgd: SGD.Options {
    get { if case .sgd(let options) = self { options } else { SGD.Options() } }
    set { self = .sgd(newValue) }
  }

  /// The options where it is AdamW.
  private var adamW: AdamW.Options {
    get { if case .adamW(let options) = self { options } else { AdamW.Options() } }
    set { self = .adamW(newValue) }
  }
}

private let scopeHelp = "all parameters, or weights alone: no biases, and nothing of one axis such as norms"

extension SGD.Options {
  fileprivate static let settings: [Setting<SGD.Options>] = [
    .number("learning_rate", \.learningRate, .positive, "before the schedule"),
    .number("momentum", \.momentum, .belowOne, "of the gradient's running sum"),
    .flag("nesterov", \.nesterov, "Nesterov's form of momentum"),
    .number("weight_decay", \.weightDecay, .notNegative, "what is added of a parameter to its gradient"),
    .choice("weight_decay_on", \.weightDecayOn, scopeHelp),
  ]
}

extension AdamW.Options {
  fileprivate static let settings: [Setting<AdamW.Options>] = [
    .number("learning_rate", \.learningRate, .positive, "before the schedule"),
    .number("beta1", \.beta1, .belowOne, "decay of the gradient's running mean"),
    .number("beta2", \.beta2, .belowOne, "decay of its square's running mean"),
    .number("epsilon", \.epsilon, .positive, "added to the square's root"),
    .number("weight_decay", \.weightDecay, .notNegative, "decoupled"),
    .choice("weight_decay_on", \.weightDecayOn, scopeHelp),
  ]
}

extension LearningRateSchedule {
  fileprivate var name: String {
    switch shape {
    case .step: "step"
    case .cosine: "cosine"
    case .constant: "constant"
    }
  }

  fileprivate static let forms: [Form<LearningRateSchedule>] = [
    Form(
      "step", LearningRateSchedule(.step(milestones: [], factor: 0.2)),
      [
        .wholeNumbers("milestones", \.milestones, in: 1...Int.max, "the epochs at which the rate is multiplied"),
        .number("factor", \.factor, .positive, "what it is multiplied by"), warmUp,
      ]),
    Form(
      "cosine", LearningRateSchedule(.cosine(minimum: 0)),
      [.number("minimum", \.minimum, .notNegative, "the rate that the cosine falls to"), warmUp]),
    Form("constant", LearningRateSchedule(.constant), [warmUp]),
  ]

  private static let warmUp = Setting<LearningRateSchedule>.wholeNumber(
    "warm_up_epochs", \.warmUpEpochs, in: 0...Int.max, "epochs over which the rate climbs, once an epoch")

  private var milestones: [Int] {
    get { if case .step(let milestones, _) = shape { milestones } else { [] } }
    set { shape = .step(milestones: newValue, factor: factor) }
  }

  private var factor: Double {
    get { if case .step(_, let factor) = shape { factor } else { 1 } }
    set { shape = .step(milestones: milestones, factor: newValue) }
  }

  private var minimum: Double {
    get { if case .cosine(let minimum) = shape { minimum } else { 0 } }
    set { shape = .cosine(minimum: newValue) }
  }
}
