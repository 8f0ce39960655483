/// Everything a run depends on, as values: what a YAML file says, with every default filled in.
///
/// A file is read by `Configuration.load`, checked as a whole by `check()` and written back by `yaml()`.

import Foundation
import Kindred
import KindredVision

/// The settings of one run: a network trained alone, or a student distilled from a teacher.
package struct Configuration: Sendable, Equatable {
  /// What tables call the run; by default the file's name without `.yaml`.
  package var name: String
  package var data: Images
  package var student: Student
  /// The network to distil from; nil when the student is trained alone.
  package var teacher: Teacher?
  package var losses: Losses
  package var training: Recipe
  /// What the files that a run reads hold, where it is known: as a run wrote it down, or empty.
  package var content: Content = [:]

  package init(
    name: String, data: Images, student: Student, teacher: Teacher? = nil, losses: Losses = Losses(),
    training: Recipe = Recipe()
  ) {
    self.name = name
    self.data = data
    self.student = student
    self.teacher = teacher
    self.losses = losses
    self.training = training
    resolveKnownLayers()
  }

  /// What tells one run of these settings from others in tables and folders, such as `seed-1` or `split-3-seed-1`.
  package var repetition: String { (data.split.map { "split-\($0)-" } ?? "") + "seed-\(training.seed)" }

  /// The same settings with another seed. A plan seed that was set apart stays as it is.
  package func setting(seed: UInt64) -> Configuration {
    var other = self
    other.training.seed = seed
    return other
  }
}

// MARK: - Data and networks

extension Configuration {
  /// The images that accuracy is measured on.
  package enum EvaluationSet: String, Sendable, CaseIterable {
    case test
    case heldOut = "held-out"
  }

  /// The network that is trained.
  package struct Student: Sendable, Equatable {
    package var network: ConfiguredNetwork
    /// Weights to start from, a safetensors file or a run's folder; nil for a fresh initialisation, or those of an ONNX file.
    package var weights: ConfiguredFile?
    package var classifier: Classifier
    /// Taps: all that the activations there are made of stays as it is.
    package var freeze: [String]

    package init(
      network: ConfiguredNetwork, weights: ConfiguredFile? = nil, classifier: Classifier = .loaded,
      freeze: [String] = []
    ) {
      self.network = network
      self.weights = weights
      self.classifier = classifier
      self.freeze = freeze
    }
  }

  /// Where the weights of the last, linear layer come from, when a network starts from given ones.
  package enum Classifier: String, Sendable, CaseIterable {
    case loaded
    /// Drawn anew: for images of other classes than the weights, or an ONNX file's network, were trained on.
    case fresh
  }

  /// What the student is to match.
  package struct Teacher: Sendable, Equatable {
    package var source: Source
    package var precision: Precision
    /// How an int8 teacher is made, and how much it may cost.
    package var quantization: Quantization

    package enum Source: Sendable, Equatable {
      /// A network and its safetensors file, or the folder of the finished run that trained it.
      case weights(Architecture, ConfiguredFile)
      /// A network and the run that makes it.
      case configuration(Architecture, TeacherRun)
      /// A folder that `kindred record` wrote: no network is loaded.
      case recording(ConfiguredFile)
      /// A network that another program exported.
      case exported(Exported)
      /// A network in an ONNX file.
      case onnx(ONNXSource)
      /// Several teachers, each from another source: losses learn from the mean of what they give, or from one.
      case several([Teacher])
    }

    /// What a teacher computes in.
    package enum Precision: String, Sendable, CaseIterable {
      case float32, int8
    }

    package init(source: Source, precision: Precision = .float32, quantization: Quantization = Quantization()) {
      self.source = source
      self.precision = precision
      self.quantization = quantization
    }

    /// Whether Kindred runs its layers itself, and so can make them int8.
    package var isRunAsGraph: Bool {
      switch source {
      case .weights, .configuration, .onnx: true
      case .recording, .exported, .several: false
      }
    }

    /// The teachers, one of which most runs have.
    package var all: [Teacher] { if case .several(let teachers) = source { teachers } else { [self] } }

    /// Whether a recording takes the place of one.
    var readsRecording: Bool { all.contains { if case .recording = $0.source { true } else { false } } }

    /// The network, where it is one of Kindred's own.
    package var network: Architecture? {
      switch source {
      case .weights(let network, _), .configuration(let network, _): network
      case .recording, .exported, .onnx, .several: nil
      }
    }
  }

  /// The configuration of the run that makes a teacher.
  package struct TeacherRun: Sendable, Equatable {
    package var file: ConfiguredFile
    /// Settings over the file's, as `training.epochs=20`, and over those of the teachers before it. Their paths start where
    /// the file's do.
    package var overrides: [String]

    package init(file: ConfiguredFile, overrides: [String] = []) {
      (self.file, self.overrides) = (file, overrides)
    }
  }

  /// An ONNX file, and what its values are called.
  package struct ONNXSource: Sendable, Equatable {
    package var file: ConfiguredFile
    /// Names of taps for values of the file.
    package var taps: [String: String]
    /// What it takes; nil for what its metadata say, which is normalised images where they say nothing.
    package var input: StudentExport.Input?

    package init(file: ConfiguredFile, taps: [String: String] = [:], input: StudentExport.Input? = nil) {
      self.file = file
      self.taps = taps
      self.input = input
    }
  }

  /// A TorchScript file (`.pt`) or an AOTInductor package (`.pt2`), and where in its result things lie.
  package struct Exported: Sendable, Equatable {
    package var file: ConfiguredFile
    /// Where `logits` and the activations lie, by the names that losses use.
    package var outputs: [String: Place]

    package typealias Place = ExportedNetwork.Place

    package init(file: ConfiguredFile, outputs: [String: Place]) {
      self.file = file
      self.outputs = outputs
    }
  }

  /// How an int8 teacher is calibrated, and what it may cost before a run is refused.
  package struct Quantization: Sendable, Equatable {
    /// The run's first batches, over which the ranges of activations are taken.
    package var calibrationBatches = 8
    /// The evaluation images on which the cost is measured.
    package var checkedImages = 1000
    package var bounds = QuantizationCost.Bounds()

    package init() {}
  }
}
