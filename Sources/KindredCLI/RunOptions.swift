// The options that every command that trains shares.

import ArgumentParser
import Foundation
import KindredExperiments

struct SettingOptions: ParsableArguments {
  @Option(name: .customLong("set"), help: "Override a setting, such as training.epochs=20. Can be repeated.")
  var overrides: [String] = []

  @Option(
    help: """
      Override a setting of the runs that make teachers (teacher.config), such as training.epochs=5; paths in it start at their \
      files. Can be repeated.
      """)
  var teacherSet: [String] = []

  @Option(help: "The number of epochs.")
  var epochs: Int?

  @Option(help: "Where to compute: cpu or cuda.", completion: .list(["cpu", "cuda"]))
  var device: String?

  @Option(help: "The threads of each process. (default: OMP_NUM_THREADS, or its share of the cores)")
  var threads: Int?

  /// All settings of the command line.
  var all: Overrides { Overrides(own, teachers: teacherSet) }

  /// The same settings, for a command that shows what was done.
  var words: [String] { own.flatMap { ["--set", $0] } + teacherSet.flatMap { ["--teacher-set", $0] } }

  private var own: [String] {
    overrides + (epochs.map { ["training.epochs=\($0)"] } ?? []) + (device.map { ["training.device=\($0)"] } ?? [])
      + (threads.map { ["training.threads=\($0)"] } ?? [])
  }
}

struct OutputOptions: ParsableArguments {
  @Flag(help: "Print no progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false
}

struct TensorBoardOption: ParsableArguments {
  @Flag(
    name: .customLong("tensorboard"),
    help: "Log for TensorBoard too, in the run's folder in tensorboard/; see it with: tensorboard --logdir RUNS.")
  var isWanted = false

  /// The same option, for a command that goes on with this one's run.
  var words: [String] { isWanted ? ["--tensorboard"] : [] }
}

struct DataOptions: ParsableArguments {
  @Option(
    name: .customLong("data-dir"), help: "The folder of data sets. (default: KINDRED_DATA)", completion: .directory)
  var folder: String?

  var library: ImageLibrary { ImageLibrary(folder: folder.map { file($0) }) }

  /// A run's images, where the folder that is named now has them and not the one that the run had.
  func found(_ images: Configuration.Images) -> Configuration.Images {
    var images = images
    if folder != nil { images.folder = nil }
    return images
  }
}
