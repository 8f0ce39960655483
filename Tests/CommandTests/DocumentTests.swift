// Every block of the README, the guides and the experiments, in the order in which they stand there. What takes a night is
// made small; names, folders and settings are those of the text. `make test` follows the README, `make documents` all.

import Foundation
import GoldenFiles
import TestSupport
import Testing

private let followsAll = ProcessInfo.processInfo.environment["KINDRED_DOCUMENTS"] == "all"
private let minutes: Comment = "takes some minutes: run 'make documents'"

@Suite struct DocumentTests {
  private let reader: DocumentReader
  private var folder: TestFolder { reader.folder }

  init() throws { reader = DocumentReader(folder: try TestFolder()) }

  private func follow(_ names: String...) throws {
    for name in names { try reader.follow(try Document(name)) }
  }

  private func kindred(_ arguments: String...) throws {
    let finished = try Command.start(arguments, in: folder.url).wait()
    #expect(finished.status == 0, "\(arguments): \(finished.errors)")
  }

  /// A trained network where a document has one from elsewhere.
  private func train(_ network: String, to file: String) throws {
    try folder.write(
      Shrunk.file("data: {set: textures}\nstudent: {network: \(network)}\ntraining: {epochs: 1, batch_size: 8}\n"),
      to: "elsewhere.yaml")
    if !folder.has("elsewhere/\(network)") {
      try kindred("train", "elsewhere.yaml", "--out", "elsewhere/\(network)", "--quiet", "--no-report")
    }
    let weights = try folder.bytes("elsewhere/\(network)/weights.safetensors")
    try folder.write(Array(weights), to: file)
  }

  @Test(.disabled(if: followsAll, "others build on it")) func theReadme() throws { try follow("README.md") }

  @Test(.enabled(if: followsAll, minutes), .enabled(if: Python.obstacle == nil, "\(Python.obstacle ?? "")"))
  func theReadmeAndWhatBuildsOnIt() throws {
    try follow("README.md")
    try train("resnet-110", to: "deep.pth")
    try folder.write(["wide.yaml": "extends: teacher.yaml\nstudent: {network: wrn-16-1}\n"])
    try follow("docs/teachers.md")
    try FileManager.default.copyItem(
      at: folder.url.appending(path: "runs/teacher"), to: folder.url.appending(path: "runs/other"))
    try follow("docs/training.md")
    try demonstration()
    try follow(
      "docs/recording.md", "docs/scale.md", "docs/performance.md", "docs/distribution.md", "docs/reliability.md")
  }

  /// The demonstration as far as a later document needs it: its files, and its teacher.
  private func demonstration() throws {
    try Command.kill(["demo", "--quiet"], in: folder, onceThereIs: "runs/demo/configurations/plain.yaml")
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.url.path + "/runs/demo/configurations") {
      let path = "runs/demo/configurations/\(file)"
      try folder.write(Shrunk.file(try folder.text(path)), to: path)
    }
    try? FileManager.default.removeItem(at: folder.url.appending(path: "runs/demo/teacher"))
    try kindred(
      "train", "runs/demo/configurations/teacher.yaml", "--out", "runs/demo/teacher/seed-1", "--quiet", "--no-report")
  }

  @Test(.enabled(if: followsAll, minutes)) func comparing() throws { try follow("docs/comparing.md") }

  @Test(.enabled(if: followsAll, minutes), .enabled(if: Python.obstacle == nil, "\(Python.obstacle ?? "")"))
  func photographsWithAndWithoutClasses() throws {
    try folder.drawPhotographs(60)
    try folder.drawPhotographs(60, into: "photos-as-they-came") { _, _ in "" }
    try folder.write([
      "student.yaml": "data: {set: folder, train: photos, held_out: 0.2}\ntraining: {batch_size: 8}\n"
    ])
    try train("resnet18", to: "resnet18-f37072fd.pth")
    try follow("docs/shrinking.md", "docs/unlabelled.md")
  }

  @Test(.enabled(if: followsAll, minutes)) func experiments() throws {
    try copyExperiments()
    for network in ["mobilenet_v2-1.0", "mobilenet_v2-0.35"] {
      try train(network, to: "Experiments/dtd/imagenet/\(network).pth")
    }
    try train("mobilenet_v2-1.0", to: "Experiments/dtd-10/mobilenet_v2-b0353104.pth")
    try folder.drawPhotographs(60, into: "Experiments/dtd-10/images")
    try follow("Experiments/README.md", "docs/results.md")
  }

  private func copyExperiments() throws {
    let source = Checkout.url.appending(path: "Experiments")
    let files = try #require(FileManager.default.enumerator(atPath: source.path)).compactMap { $0 as? String }
    for file in files where file.hasSuffix(".yaml") {
      try folder.write(Shrunk.file(try Checkout.text("Experiments/\(file)")), to: "Experiments/\(file)")
    }
  }
}
