/// Everything a run depends on, as values: what a YAML file says, with every default filled in.
///
/// A file is read by `Configuration.load`, checked as a whole by `check()` and written back by `yaml()`.

import Foundation
import Kindred
import KindredVision

/// The settings of one run: a network trained alone, or a student distilled from a teacher.
public struct Configuration: Sendable, Equatable {
  /// What tables call the run; by default the file's name without `.yaml`.
  public var name: String
  public var data: Images
  public var student: Student
  /// The network to distil from; nil when the student is trained alone.
  public var teacher: Teacher?
  public var losses: Losses
  public var training: Training
  /// What the files that a run reads hold, where it is known: as a run wrote it down, or empty.
  public var content: Content = [:]

  public init(
    name: String, data: Images, student: Student, teacher: Teacher? = nil, losses: Losses = Losses(),
    training: Training = Training()
  ) {
    self.name = name
    self.data = data
    self.student = student
    self.teacher = teacher
    self.losses = losses
    self.training = training
  }

  /// The same settings with another seed. A plan seed that was set apart stays as it is.
  public func setting(seed: UInt64) -> Configuration {
    var other = self
    other.training.seed = seed
    return other
  }
}

// MARK: - Data and networks

extension Configuration {
  /// Which images train the network and which measure it.
  public struct Images: Sendable, Equatable {
    public var set: DataSetName
    /// The folder that holds the sets; nil leaves it to `--data-dir` and `KINDRED_DATA`.
    public var folder: ConfiguredFile?
    /// Train on this many images, the same number of each class, first ones first; nil for all that are not held out.
    public var trainImages: Int?
    /// The training images kept away from training, the same number of each class, last ones first.
    public var heldOutImages: Int
    public var evaluateOn: EvaluationSet
    /// Measure on this many of the test images; nil for all.
    public var testImages: Int?
    public var augmentation: Augmentation

    /// - Parameter augmentation: nil for the set's usual one, see `usualAugmentation(for:)`.
    public init(
      set: DataSetName, folder: ConfiguredFile? = nil, trainImages: Int? = nil, heldOutImages: Int = 0,
      evaluateOn: EvaluationSet = .test, testImages: Int? = nil, augmentation: Augmentation? = nil
    ) {
      self.set = set
      self.folder = folder
      self.trainImages = trainImages
      self.heldOutImages = heldOutImages
      self.evaluateOn = evaluateOn
      self.testImages = testImages
      self.augmentation = augmentation ?? Images.usualAugmentation(for: set)
    }

    /// Crops from a border of 4 and flips for colour images. MNIST's digits fill their frame's centre by construction
    /// and a mirrored digit is no digit, so it gets neither; Fashion-MNIST is centred likewise and is only flipped.
    public static func usualAugmentation(for set: DataSetName) -> Augmentation {
      switch set {
      case .cifar10, .cifar100, .textures: Augmentation(cropPadding: 4, flip: true)
      case .fashionMNIST: Augmentation(cropPadding: 0, flip: true)
      case .mnist: Augmentation.none
      }
    }
  }

  /// The images that accuracy is measured on.
  public enum EvaluationSet: String, Sendable, CaseIterable {
    case test
    case heldOut = "held-out"
  }

  /// The network that is trained.
  public struct Student: Sendable, Equatable {
    public var network: Architecture
    /// Weights to start from, a safetensors file or a run's folder; nil for a fresh initialisation.
    public var weights: ConfiguredFile?
    public var classifier: Classifier

    public init(network: Architecture, weights: ConfiguredFile? = nil, classifier: Classifier = .loaded) {
      self.network = network
      self.weights = weights
      self.classifier = classifier
    }
  }

  /// Where the weights of the last, linear layer come from, when a network starts from given ones.
  public enum Classifier: String, Sendable, CaseIterable {
    case loaded
    /// Drawn anew: for images of other classes than the weights were trained on.
    case fresh
  }

  /// What the student is to match.
  public struct Teacher: Sendable, Equatable {
    public var source: Source
    public var precision: Precision
    /// How an int8 teacher is made, and how much it may cost.
    public var quantization: Quantization

    public enum Source: Sendable, Equatable {
      /// A network and its safetensors file, or the folder of the finished run that trained it.
      case weights(Architecture, ConfiguredFile)
      /// A network and the configuration file of the run that makes it.
      case configuration(Architecture, ConfiguredFile)
      /// A folder that `kindred record` wrote: no network is loaded.
      case recording(ConfiguredFile)
      /// A network that another program exported.
      case exported(Exported)
    }

    /// What a teacher computes in.
    public enum Precision: String, Sendable, CaseIterable {
      case float32, int8
    }

    public init(source: Source, precision: Precision = .float32, quantization: Quantization = Quantization()) {
      self.source = source
      self.precision = precision
      self.quantization = quantization
    }

    /// The network, where it is one of Kindred's own.
    public var network: Architecture? {
      switch source {
      case .weights(let network, _), .configuration(let network, _): network
      case .recording, .exported: nil
      }
    }
  }

  /// A TorchScript file (`.pt`) or an AOTInductor package (`.pt2`), and where in its result things lie.
  public struct Exported: Sendable, Equatable {
    public var file: ConfiguredFile
    /// Where `logits` and the activations lie, by the names that losses use.
    public var outputs: [String: Place]

    public typealias Place = ExportedNetwork.Place

    public init(file: ConfiguredFile, outputs: [String: Place]) {
      self.file = file
      self.outputs = outputs
    }
  }

  /// How an int8 teacher is calibrated, and what it may cost before a run is refused.
  public struct Quantization: Sendable, Equatable {
    /// The run's first batches, over which the ranges of activations are taken.
    public var calibrationBatches: Int
    /// The evaluation images on which the cost is measured.
    public var checkedImages: Int
    /// The largest loss of top-1 accuracy, in percentage points.
    public var largestTop1Drop: Double
    /// The largest relative error of a Gram matrix.
    public var largestGramError: Double
    /// The smallest correlation of a Gram matrix's entries off the diagonal with those in float32.
    public var smallestGramCorrelation: Double

    public init(
      calibrationBatches: Int = 8, checkedImages: Int = 1000, largestTop1Drop: Double = 2,
      largestGramError: Double = 0.1, smallestGramCorrelation: Double = 0.98
    ) {
      self.calibrationBatches = calibrationBatches
      self.checkedImages = checkedImages
      self.largestTop1Drop = largestTop1Drop
      self.largestGramError = largestGramError
      self.smallestGramCorrelation = smallestGramCorrelation
    }
  }
}

// MARK: - Losses

extension Configuration {
  /// The terms of the loss. Absent terms are not computed.
  public struct Losses: Sendable, Equatable {
    /// The weight of cross-entropy. With `kd` it is multiplied by `1 - alpha`.
    public var crossEntropy: Double
    /// Similarity-preserving distillation (Tung and Mori, 2019). Its weight belongs to the batch size.
    public var sp: ActivationLoss?
    /// Knowledge distillation (Hinton and others, 2015).
    public var kd: LogitsLoss?
    /// Attention transfer (Zagoruyko and Komodakis, 2017).
    public var at: ActivationLoss?
    /// FitNets' hint (Romero and others, 2015), through a learned adapter.
    public var hint: ActivationLoss?

    public init(
      crossEntropy: Double = 1, sp: ActivationLoss? = nil, kd: LogitsLoss? = nil, at: ActivationLoss? = nil,
      hint: ActivationLoss? = nil
    ) {
      self.crossEntropy = crossEntropy
      self.sp = sp
      self.kd = kd
      self.at = at
      self.hint = hint
    }

    /// The terms that compare activations, by their keys, in the order of the file.
    public var activationTerms: [(key: String, loss: ActivationLoss)] {
      [("sp", sp), ("at", at), ("hint", hint)].compactMap { key, loss in loss.map { (key, $0) } }
    }

    /// Whether some term asks anything of a teacher.
    public var needTeacher: Bool { kd != nil || !activationTerms.isEmpty }
  }

  /// A loss on activations at pairs of taps.
  public struct ActivationLoss: Sendable, Equatable {
    public var weight: Weight
    public var layers: [LayerPair]

    public init(weight: Weight, layers: [LayerPair]) {
      self.weight = weight
      self.layers = layers
    }
  }

  /// The factor of a loss term.
  public enum Weight: Sendable, Equatable {
    case fixed(Double)
    /// `weight: auto`. Once found, the number is written in its place and used as it is by whoever reads it back.
    case automatic(Calibration, found: Double? = nil)

    /// The number, nil while it still has to be found.
    public var value: Double? {
      switch self {
      case .fixed(let value): value
      case .automatic(_, let found): found
      }
    }
  }

  /// How a weight is found: on the first batches, the term's gradient at the student's activation is made `fraction`
  /// times as large as cross-entropy's.
  public struct Calibration: Sendable, Equatable {
    public var fraction: Double
    public var batches: Int

    public init(fraction: Double = 0.5, batches: Int = 8) {
      self.fraction = fraction
      self.batches = batches
    }
  }

  /// Adds `alpha * temperature^2` times the Kullback-Leibler divergence of the softened logits.
  public struct LogitsLoss: Sendable, Equatable {
    public var alpha: Double
    public var temperature: Double

    public init(alpha: Double = 0.9, temperature: Double = 4) {
      self.alpha = alpha
      self.temperature = temperature
    }
  }
}

// MARK: - Training

extension Configuration {
  /// The recipe; the defaults are the paper's for CIFAR-10.
  public struct Training: Sendable, Equatable {
    public var epochs: Int
    public var batchSize: Int
    /// Initialises the networks.
    public var seed: UInt64
    /// Orders and augments the images; nil for the same as `seed`.
    public var planSeed: UInt64?
    /// After how many epochs the plan of order, crops and flips begins again; nil for never.
    public var planEpochs: Int?
    /// Leaves out an epoch's last batch when it is smaller than the others.
    public var dropLast: Bool
    public var optimizer: Optimizer
    public var schedule: Schedule
    /// Measure accuracy after every so many epochs, and after the last.
    public var evaluateEvery: Int
    /// Threads for tensor work; 0 for one on each physical core.
    public var threads: Int
    public var device: Device
    /// Of the student's and the teacher's convolutions and linear layers.
    public var precision: Precision
    /// On a CUDA device, capture the whole step in a CUDA graph.
    public var cudaGraph: Bool

    /// - Parameter schedule: nil for `Schedule.usual(epochs:)`.
    public init(
      epochs: Int = 200, batchSize: Int = 128, seed: UInt64 = 1, planSeed: UInt64? = nil, planEpochs: Int? = nil,
      dropLast: Bool = true,
      optimizer: Optimizer = .sgd(SGD()), schedule: Schedule? = nil, evaluateEvery: Int = 1, threads: Int = 0,
      device: Device = .cpu, precision: Precision = .float32, cudaGraph: Bool = true
    ) {
      self.epochs = epochs
      self.batchSize = batchSize
      self.seed = seed
      self.planSeed = planSeed
      self.planEpochs = planEpochs
      self.dropLast = dropLast
      self.optimizer = optimizer
      self.schedule = schedule ?? Schedule.usual(epochs: epochs)
      self.evaluateEvery = evaluateEvery
      self.threads = threads
      self.device = device
      self.precision = precision
      self.cudaGraph = cudaGraph
    }
  }

  public enum Device: String, Sendable, CaseIterable {
    case cpu
    case cuda
  }

  public enum Optimizer: Sendable, Equatable {
    case sgd(SGD)
    case adamW(AdamW)
  }

  public struct SGD: Sendable, Equatable {
    public var learningRate: Double
    public var momentum: Double
    public var nesterov: Bool
    public var weightDecay: Double

    public init(
      learningRate: Double = 0.1, momentum: Double = 0.9, nesterov: Bool = true, weightDecay: Double = 5e-4
    ) {
      self.learningRate = learningRate
      self.momentum = momentum
      self.nesterov = nesterov
      self.weightDecay = weightDecay
    }
  }

  public struct AdamW: Sendable, Equatable {
    public var learningRate: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(
      learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
      weightDecay: Double = 0.01
    ) {
      self.learningRate = learningRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  /// How the learning rate goes, by epoch.
  public struct Schedule: Sendable, Equatable {
    public enum Shape: Sendable, Equatable {
      /// Multiplied by `factor` once each of these epochs is over.
      case step(milestones: [Int], factor: Double)
      /// Half a cosine down to `minimum`, a learning rate.
      case cosine(minimum: Double)
      case constant
    }

    public var shape: Shape
    /// The epochs in which the rate rises linearly to its start; 0 for none.
    public var warmUpEpochs: Int

    public init(_ shape: Shape, warmUpEpochs: Int = 0) {
      self.shape = shape
      self.warmUpEpochs = warmUpEpochs
    }

    /// A fifth after 30, 60 and 80 % of the epochs: the paper's 60, 120 and 160 when there are 200.
    public static func usual(epochs: Int) -> Schedule {
      Schedule(.step(milestones: usualMilestones(epochs: epochs), factor: 0.2))
    }

    static func usualMilestones(epochs: Int) -> [Int] {
      [0.3, 0.6, 0.8].map { Int((Double(epochs) * $0).rounded()) }.reduce(into: []) { milestones, epoch in
        if epoch > milestones.last ?? 0 { milestones.append(epoch) }
      }
    }
  }
}
