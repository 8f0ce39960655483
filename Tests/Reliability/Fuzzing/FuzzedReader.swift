// What is fuzzed: a reader of files, and a source of inputs for it.

import Files
import Foundation
import Graph
import Kindred
import KindredExperiments
import KindredVision
import Torch

/// A file of an input.
struct InputFile {
  /// Its path in the folder of inputs.
  let name: String
  let bytes: [UInt8]
}

protocol FuzzedReader {
  /// Reads from this folder what `input` gives.
  init(_ folder: URL) throws

  /// An input that is a function of the random numbers alone.
  func input(_ random: inout SplitMix64) -> [InputFile]

  /// Reads the files; throws what the reader throws.
  func read() throws

  /// Inputs that are read once before any is measured: what is looked up for them, such as a network's shape, is kept.
  var wholeInputs: [InputFile] { get }

  /// What the reader may allocate whatever the file's size, such as the size of the data set that is expected.
  var expectedBytes: Int { get }
}

extension FuzzedReader {
  var wholeInputs: [InputFile] { [] }
  var expectedBytes: Int { 0 }
}

/// The readers by name.
enum FuzzTarget: String, CaseIterable {
  case safetensors
  case recordingHeader = "recording-header"
  case recordingShard = "recording-shard"
  case checkpoint
  case yaml
  case idx
  case cifar
  case gzip
  case archive
  case pickle
  // At the end: an input is a function of its reader's place.
  case study
  case loss
  case classifier
  case pyTorch = "pytorch"
  case onnx
  case image
  case matlab
  case tar

  func reader(_ folder: URL) throws -> any FuzzedReader {
    switch self {
    case .safetensors: try SafetensorsInputs(folder)
    case .recordingHeader: try RecordingHeaderInputs(folder)
    case .recordingShard: try RecordingShardInputs(folder)
    case .checkpoint: try CheckpointInputs(folder)
    case .yaml: try YAMLInputs(folder)
    case .idx: try IDXInputs(folder)
    case .cifar: try CIFARInputs(folder)
    case .gzip: try GzipInputs(folder)
    case .archive: try ArchiveInputs(folder)
    case .pickle: try PickleInputs(folder)
    case .study: try StudyInputs(folder)
    case .loss: try LossInputs(folder)
    case .classifier: try ClassifierInputs(folder)
    case .pyTorch: try PyTorchInputs(folder)
    case .onnx: try ONNXInputs(folder)
    case .image: try ImageInputs(folder)
    case .matlab: try MATLABInputs(folder)
    case .tar: try TarInputs(folder)
    }
  }

  /// The random numbers of an input.
  func random(seed: UInt64, number: Int) -> SplitMix64 {
    let place = FuzzTarget.allCases.firstIndex(of: self) ?? 0
    return SplitMix64(key: seed, UInt64(place), UInt64(number))
  }
}

/// Whether an error is one of Kindred's own, which say in a line what is wrong.
func isKnown(_ error: any Error) -> Bool {
  switch error {
  case is TensorFileError, is StateError, is RecordingError, is DataError, is ConfigurationError, is RunError,
    is ExportedModelError, is BrokenEntry, is PickleError, is MethodError, is ONNXError,
    is ImageError:
    true
  default: false
  }
}
