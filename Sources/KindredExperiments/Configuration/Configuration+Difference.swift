/// Whether a folder's run is the one that is asked for, and if not, why not.

import Foundation

extension Configuration {
  /// The first setting in which another configuration differs, or nil.
  ///
  /// Weights that calibration found do not count. Nor do paths, where the other one says what the files held that it read:
  /// see `Content.difference`.
  func difference(from other: Configuration) -> String? {
    let areFilesKnown = !other.content.isEmpty
    let (own, theirs) = (comparable(files: !areFilesKnown).yaml(), other.comparable(files: !areFilesKnown).yaml())
    let lines = zip(own.split(separator: "\n"), theirs.split(separator: "\n"))
    if let (mine, yours) = lines.first(where: { $0 != $1 }) {
      let trim = { (line: Substring) in line.trimmingCharacters(in: .whitespaces) }
      return "there '\(trim(yours))', here '\(trim(mine))'"
    }
    return own == theirs ? nil : "one has settings that the other lacks"
  }

  private func comparable(files: Bool) -> Configuration {
    var other = self
    other.content = [:]
    other.losses.forgetFoundWeights()
    guard !files else { return other }
    other.data.forgetFiles()
    other.student.weights = student.weights.map { _ in .nowhere }
    if case .onnx(var source) = student.network {
      source.file = .nowhere
      other.student.network = .onnx(source)
    }
    other.teacher?.source.forgetFiles()
    return other
  }
}

extension ConfiguredFile {
  /// Stands for any file, also in a message.
  fileprivate static var nowhere: ConfiguredFile { ConfiguredFile(URL(filePath: "/...")) }
}

extension Configuration.Images {
  /// What images are normalised by counts with the images themselves.
  fileprivate mutating func forgetFiles() {
    folder = nil
    (train, test) = (train.map { _ in .nowhere }, test.map { _ in .nowhere })
    privileged = privileged.map { _ in .nowhere }
    if unlabelled?.folder != nil { unlabelled?.folder = .nowhere }
    (mean, deviation) = ([], [])
  }
}

extension Configuration.Teacher.Source {
  /// Leaves what kind of teacher it is. Weights are the same whether they are named or the run that makes them is.
  fileprivate mutating func forgetFiles() {
    switch self {
    case .weights(let network, _), .configuration(let network, _): self = .weights(network, .nowhere)
    case .recording: self = .recording(.nowhere)
    case .exported(var exported):
      exported.file = .nowhere
      self = .exported(exported)
    case .onnx(var source):
      source.file = .nowhere
      self = .onnx(source)
    case .several(var teachers):
      for index in teachers.indices { teachers[index].source.forgetFiles() }
      self = .several(teachers)
    }
  }
}
