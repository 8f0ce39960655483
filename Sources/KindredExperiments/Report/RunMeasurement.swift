// A run measured for a report: once, and kept in its folder.

import Foundation
import Kindred
import KindredVision
import Torch

/// What a report measures of a finished run. `measured.json` in the run's folder.
struct RunMeasurement: Codable {
  /// Raised with the form of the file, and with what is measured: an older file is measured anew.
  static let currentVersion = 1

  let version: Int
  let student: NetworkMeasurement
  /// The network that it learnt from, asked about the same images; nil where there is none that can be asked.
  let teacher: NetworkMeasurement?
  /// Why there is none, in a line.
  let teacherAbsence: String?
  /// Whether there was one, and it was not where it had been: it may come back.
  let isTeacherMissing: Bool
  let alignment: Alignment?
  /// The images that both were asked about, in their order.
  let labels: [Int]
  let classNames: [String]
  /// How many there are to measure on.
  let imagesInAll: Int
  /// What they are, such as `textures test`.
  let imagesName: String
  /// Which of the run's weights these are, where there was a choice.
  let remark: String?
  let machine: Machine
  let libtorch: String

  /// CKA between all taps of teacher and student.
  struct Alignment: Codable {
    let teacherTaps: [String]
    let studentTaps: [String]
    /// A number for each pair, a teacher's tap after another.
    let values: [Double]
    /// The number of images.
    let images: Int
  }

  /// The most images that are measured: fewer of large ones, whose networks take long.
  static func imageLimit(height: Int, width: Int) -> Int { max(400, min(2_000, 2_000 * 64 * 64 / (height * width))) }
}

/// A teacher that cannot be asked now.
private struct MissingTeacher: Error, CustomStringConvertible {
  let description: String
}

/// Measures runs, and remembers their teachers while it lasts.
final class RunMeter {
  private let library: ImageLibrary
  private let found: (Configuration.Images) -> Configuration.Images
  private let runs: URL?
  private var teachers: [String: (shown: ShownNetwork, measured: NetworkMeasurement)] = [:]
  private var grams: [String: [CentredGram]] = [:]

  /// - Parameters:
  ///   - library: has the images.
  ///   - found: a run's images where they lie now.
  ///   - runs: the folder of runs, in which teachers are looked for; nil for where the run itself lies.
  init(
    library: ImageLibrary, found: @escaping (Configuration.Images) -> Configuration.Images = { $0 }, runs: URL? = nil
  ) {
    (self.library, self.found, self.runs) = (library, found, runs)
  }

  /// What a run's folder keeps of these very weights; nil where it has to be measured.
  func kept(of run: ReportedRun) -> RunMeasurement? {
    let folder = run.folder
    guard let data = try? folder.read(folder.measurement), let weights = WeightsFile.location(folder.url),
      let kept = try? JSONDecoder().decode(RunMeasurement.self, from: data),
      kept.version == RunMeasurement.currentVersion, (try? Digest.sha256.hex(of: weights)) == kept.student.digest,
      !kept.isTeacherMissing || !canAskTeacher(of: run)
    else { return nil }
    return kept
  }

  /// Whether a run's teacher is where it was.
  private func canAskTeacher(of run: ReportedRun) -> Bool {
    switch run.settings.teacher?.source {
    case .weights, .configuration, .onnx:
      let digest = try? run.settings.fileContent(runs: folderOfRuns(run))[.teacher]
      return digest != nil && digest == run.settings.content[.teacher]
    case .several, .recording, .exported, nil: return false
    }
  }

  /// The images that a run is measured on, as its network sees them; none where they have no classes.
  /// - Throws: `DataError`.
  func images(of settings: Configuration) throws -> (measured: ImageSet, inAll: Int) {
    let data = found(settings.data)
    guard data.areMeasured else { return (try library.training(data).selecting([]), 0) }
    return try limited(library.evaluation(data))
  }

  private func limited(_ all: ImageSet) throws -> (measured: ImageSet, inAll: Int) {
    guard all.isLabelled else { return (all.selecting([]), 0) }
    let limit = RunMeasurement.imageLimit(height: all.height, width: all.width)
    return (all.count > limit ? all.first(perSetBalanced: limit) : all, all.count)
  }

  /// Measures a finished run, and keeps it in the folder where that can be written to.
  /// - Throws: `RunError`, `DataError`, `TensorFileError`, `ConfigurationError`.
  func measure(_ run: ReportedRun) throws -> RunMeasurement {
    if let kept = kept(of: run) { return kept }
    return try withTorchErrors {
      let stored = try StoredNetwork(run.folder.url)
      let (images, inAll) = try images(of: run.settings)
      let student = ShownNetwork(title: run.title, network: stored.network, images: images, name: stored.name)
      let digest = try Digest.sha256.hex(of: stored.weights)
      let own = try NetworkMeasurement(student, digest: digest)
      var (teacher, absence, alignment): (NetworkMeasurement?, String?, RunMeasurement.Alignment?)
      var isMissing = false
      do {
        if images.count == 0 {
          absence = "there is no image with a class to ask about"
        } else if let found = try self.teacher(of: run, like: images) {
          (teacher, alignment) = (found.measured, try align(found.shown, found.measured.digest, student))
        } else {
          absence = "it learnt from no teacher"
        }
      } catch let missing as MissingTeacher {
        (absence, isMissing) = (missing.description, true)
      } catch {
        absence = "\(error)"
      }
      let measurement = RunMeasurement(
        version: RunMeasurement.currentVersion, student: own, teacher: teacher, teacherAbsence: absence,
        isTeacherMissing: isMissing,
        alignment: alignment, labels: images.labels.map(Int.init), classNames: images.classNames, imagesInAll: inAll,
        imagesName: "\(run.settings.data.name) \(run.settings.data.evaluateOn.rawValue)",
        remark: stored.remark, machine: Machine(device: .cpu),
        libtorch: Runtime.version)
      keep(measurement, in: run.folder)
      return measurement
    }
  }

  /// A folder that may not be written to is measured each time.
  private func keep(_ measurement: RunMeasurement, in folder: RunFolder) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(measurement) else { return }
    try? folder.write(data + Data("\n".utf8), to: folder.measurement)
  }

  /// The network that a run learnt from; nil where it learnt from none.
  /// - Throws: `RunError` for one that cannot be asked.
  private func teacher(
    of run: ReportedRun, like images: ImageSet
  ) throws -> (shown: ShownNetwork, measured: NetworkMeasurement)? {
    guard let teacher = run.settings.teacher else { return nil }
    switch teacher.source {
    case .several: throw RunError("it learnt from several teachers")
    case .recording: throw RunError("its teacher is a recording, which is no network to be asked about other images")
    case .exported: throw RunError("its teacher is an exported program, whose activations are not compared")
    case .weights, .configuration, .onnx: break
    }
    let digest = try run.settings.fileContent(runs: folderOfRuns(run))[.teacher]
    guard let digest else { throw MissingTeacher(description: "its teacher is not where it was") }
    if let used = run.settings.content[.teacher], used != digest {
      throw MissingTeacher(description: "its teacher is another one now than it learnt from")
    }
    let data = found(run.settings.data)
    let key = "\(digest) \(data)"
    if let known = teachers[key] { return known }
    let source = try TeacherSource(opening: teacher, for: run.settings, runs: folderOfRuns(run))
    let seen = try limited(library.teacherEvaluation(data)).measured
    let network: Network
    switch source {
    case .network(let weights): network = try weights.network()
    case .onnx(let file): network = file.network(taking: seen)
    case .recording, .exported, .several: throw RunError("its teacher is no network that can be asked")
    }
    network.freeze()
    network.evaluate()
    guard source.description.classes == images.classNames.count, seen.labels == images.labels else {
      throw RunError("its teacher is for other classes")
    }
    let shown = ShownNetwork(title: "teacher", network: network, images: seen, name: source.description.name)
    let found = (shown: shown, measured: try NetworkMeasurement(shown, digest: digest))
    teachers[key] = found
    return found
  }

  /// Where a configuration's own teacher is looked for: what was named, or where the run lies as `NAME/seed-1`.
  private func folderOfRuns(_ run: ReportedRun) -> URL {
    let around = run.folder.url.standardizedFileURL.deletingLastPathComponent().deletingLastPathComponent()
    guard let runs, case .configuration(_, let made)? = run.settings.teacher?.source,
      let teacher = try? run.settings.teacherRun(made)
    else { return around }
    let isThere = WeightsFile.location(TeacherWeights.folder(of: teacher, in: runs).url) != nil
    return isThere ? runs : around
  }

  private func align(
    _ teacher: ShownNetwork, _ digest: String, _ student: ShownNetwork
  ) throws -> RunMeasurement.Alignment? {
    let (theirs, own) = (teacher.comparedTaps, student.comparedTaps)
    guard !theirs.isEmpty, !own.isEmpty else { return nil }
    let widest =
      try (theirs.map { try teacher.shape(at: $0) } + own.map { try student.shape(at: $0) })
      .map { $0.reduce(1, *) }.max() ?? 1
    let count = min(student.images.count, max(32, min(512, 48_000_000 / widest)))
    guard count > 1 else { return nil }
    // The same for every student of the teacher.
    let indices = student.images.firstIndices(perSetBalanced: count)
    let key = "\(digest) \(count) \(student.images.name)"
    let known = try grams[key] ?? teacher.grams(of: indices, at: theirs)
    grams[key] = known
    let values = try student.grams(of: indices, at: own)
    return .init(
      teacherTaps: theirs, studentTaps: own, values: known.flatMap { gram in values.map(gram.alignment) }, images: count
    )
  }
}

extension ShownNetwork {
  fileprivate func grams(of indices: [Int], at taps: [String]) throws -> [CentredGram] {
    try taps.map { tap in
      var batches: [Tensor] = []
      try forEachBatch(of: indices, at: tap) { activations, _ in batches.append(activations) }
      return CentredGram(.concatenated(batches))
    }
  }
}
