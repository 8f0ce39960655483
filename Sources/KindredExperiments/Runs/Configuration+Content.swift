// What a run depends on beside its settings: files, told apart by what is in them and not by where they lie.

import Foundation
import Kindred
import KindredVision

extension Configuration {
  /// Something that a run reads.
  package enum Input: String, Sendable, CaseIterable {
    case images
    case evaluationImages = "evaluation_images"
    /// The teacher's weights, its exported file, or what its recording was made from.
    case teacher
    /// The header of a recording that is named in a teacher's place.
    case recording
    /// The weights that the student starts from.
    case start
    /// The ONNX file that the student is.
    case student
  }

  /// SHA-256 of each thing that a run reads, as far as it is known. A run keeps it in its `config.yaml`.
  package typealias Content = [Input: String]

  /// The content of the files that are there now, images apart.
  ///
  /// What is missing, or leads nowhere any more, is left out: a finished run needs none of it, and another says what is
  /// wrong with it when it wants it.
  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  /// - Throws: `RunError` for a file that is there and cannot be read.
  func fileContent(runs: URL) throws -> Content {
    var content: Content = [:]
    if let start = student.weights?.url, let file = WeightsFile.location(start) {
      content[.start] = try hash(file)
    }
    if case .onnx(let source) = student.network, exists(source.file.url) {
      // A copy that a run keeps has taken the data beside it in.
      content[.student] = Digest.sha256.hex(of: Array(try source.selfContained()))
    }
    if case .recording(let folder)? = teacher?.source, let header = try? Recording(folder.url).header {
      content[.recording] = header.fingerprint
    }
    content[.teacher] = try teacher.flatMap { try digest(of: $0, runs: runs) }
    return content
  }

  /// SHA-256 of a teacher's file, or of those of several; nil for one that is not there.
  private func digest(of teacher: Teacher, runs: URL) throws -> String? {
    switch teacher.source {
    case .weights(_, let weights): return try WeightsFile.location(weights.url).map(hash)
    case .configuration(_, let made):
      guard let run = try? teacherRun(made) else { return nil }
      return try WeightsFile.location(TeacherWeights.folder(of: run, in: runs).url).map(hash)
    case .exported(let exported): return exists(exported.file.url) ? try hash(exported.file.url) : nil
    case .onnx(let source): return exists(source.file.url) ? try source.digest() : nil
    case .recording(let folder): return (try? Recording(folder.url).header)?.teacherFingerprint
    case .several(let teachers):
      let all = try teachers.compactMap { try digest(of: $0, runs: runs) }
      return all.count == teachers.count ? Digest.sha256.hex(of: Array(all.joined().utf8)) : nil
    }
  }

  private func exists(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }

  private func hash(_ file: URL) throws -> String {
    do {
      return try Digest.sha256.hex(of: file)
    } catch let error as DataError {
      throw RunError(error.description)
    }
  }
}

extension Configuration.Content {
  /// Another content of something that both know, in words; nil where there is none.
  func difference(from other: Configuration.Content) -> String? {
    for input in Configuration.Input.allCases {
      guard let own = self[input], let theirs = other[input], own != theirs else { continue }
      return "\(input.words): there SHA-256 \(theirs.prefix(12))..., here \(own.prefix(12))..."
    }
    return nil
  }
}

extension Configuration.Input {
  fileprivate var words: String {
    switch self {
    case .images: "other training images"
    case .evaluationImages: "other evaluation images"
    case .teacher: "another teacher"
    case .recording: "another recording"
    case .start: "other weights to start from"
    case .student: "another student"
    }
  }
}

extension RecordingHeader {
  /// SHA-256 of the teacher's file, as the recording names it.
  var teacherFingerprint: String? { teacherFacts.first { $0.name.hasSuffix(RecordingHeader.fileFact) }?.value }

  /// How the facts about a teacher's file are called, behind what kind of file it is.
  static let fileFact = "of SHA-256"
}
