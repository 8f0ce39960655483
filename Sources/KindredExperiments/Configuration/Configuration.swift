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
  public var training: Recipe
  /// What the files that a run reads hold, where it is known: as a run wrote it down, or empty.
  public var content: Content = [:]

  public init(
    name: String, data: Images, student: Student, teacher: Teacher? = nil, losses: Losses = Losses(),
    training: Recipe = Recipe()
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
    public var calibrationBatches = 8
    /// The evaluation images on which the cost is measured.
    public var checkedImages = 1000
    public var bounds = QuantizationCost.Bounds()

    public init() {}
  }
}
