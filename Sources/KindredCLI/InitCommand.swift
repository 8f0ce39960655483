// `kindred init`: from images to a study that runs.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Write a study for your images, a teacher and a student, ready to run.",
    discussion: """
      Writes study.yaml, and teacher.yaml where the teacher is to be trained, with a comment for each choice; layers are \
      matched, and the time is measured with a few steps. On a terminal it asks for what is missing; elsewhere, and with \
      --yes, what is missing is chosen.

      The teacher is an ONNX file, weights (.pth, .safetensors) or a run's folder of a network of the zoo, an exported \
      network (.pt, .pt2), or a network of the zoo that is trained first. The student is a network of the zoo, an ONNX file, or as \
      small as a limit: '200 kB' of weights, '30 M' or '1.5 G' multiply-adds, '5 ms' an image on one thread here.

      Images are a folder with a folder for each class, a list, archives, or a set such as cifar-10.
      """)

  @Argument(help: "The folder to write to. (default: a name from the images')")
  var out: String?

  @Option(help: "The images: a folder of class folders, a list, archives, or the name of a set.")
  var images: String?

  @Option(help: "Images to measure on. (default: a fifth of the others, which is never trained on)")
  var test: String?

  @Option(help: "The side of the square that networks see. (default: what goes with the images and the teacher)")
  var size: Int?

  @Option(help: "The teacher: a file or a network. (default: one that is trained first)")
  var teacher: String?

  @Option(help: "The network of a teacher's weights, where the file does not tell.")
  var teacherNetwork: String?

  @Option(help: "The student: a network, an ONNX file, or a limit. (default: a tenth of the teacher)")
  var student: String?

  @Option(help: "The number of epochs. (default: what goes with the number of images)")
  var epochs: Int?

  @Option(help: "Train as long as fits into so many minutes here, in place of --epochs.")
  var minutes: Double?

  @Option(help: "The seeds of each row.")
  var seeds = 1

  @Flag(help: "Ask nothing: choose what is missing.")
  var yes = false

  @Flag(help: "Measure no steps, and so expect no time.")
  var noMeasurement = false

  func validate() throws {
    guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is between 1 and 1000.") }
    guard (epochs ?? 1) >= 1 else { throw ValidationError("--epochs is at least 1.") }
    guard (minutes ?? 1) > 0 else { throw ValidationError("--minutes is more than 0.") }
    guard (1...4096).contains(size ?? 1) else { throw ValidationError("--size is from 1 to 4096.") }
    guard epochs == nil || minutes == nil else { throw ValidationError("--minutes chooses the epochs; take one out.") }
    guard minutes == nil || !noMeasurement else { throw ValidationError("--minutes needs a measurement.") }
  }

  func run() throws {
    Threads.prepare()
    let questions = Questions(isAsking: !yes && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
    guard let images = try images ?? questions.ask("images", "the folder of images, or the name of a set", else: nil)
    else {
      throw RunError("name the images: \(ShellCommand.program) init --images FOLDER")
    }
    var wishes = NewStudy.Wishes(images: images)
    (wishes.test, wishes.size, wishes.epochs, wishes.seeds) = (test, size, epochs, seeds)
    let teacher = try teacher ?? questions.ask("teacher", "a file or a network; empty trains one first", else: "")
    wishes.teacher = try teacher.flatMap { $0.isEmpty ? nil : try GivenTeacher($0, network: teacherNetwork) }
    if teacherNetwork != nil, wishes.teacher == nil { throw RunError("--teacher-network is for a teacher's weights") }
    let student =
      try student
      ?? questions.ask(
        "student", "a network, an ONNX file, or a limit such as '500 kB'; empty takes a tenth of the teacher", else: "")
    wishes.student = try student.flatMap { $0.isEmpty ? nil : try GivenStudent($0) }
    try write(wishes, to: file(out ?? folderName(of: images)))
  }

  private func folderName(of images: String) -> String { "\(file(images).lastPathComponent)-study" }

  private func write(_ wishes: NewStudy.Wishes, to folder: URL) throws {
    var study = try NewStudy(wishes, in: folder)
    try study.write()
    var estimate = try noMeasurement ? nil : seconds(of: study)
    if let minutes, let seconds = estimate {
      try study.fit(seconds: seconds, into: minutes * 60)
      estimate = try self.seconds(of: study)
    }
    let time = estimate.map { "about \(Format.roughly($0)) on this machine, by a few measured steps" }
    var lines = ["wrote \(study.files.map(\.displayName).joined(separator: " and "))", ""]
    lines += study.facts.map { $0.0.padding(toLength: 9, withPad: " ", startingAt: 0) + $0.1 }
    lines += time.map { ["time".padding(toLength: 9, withPad: " ", startingAt: 0) + $0] } ?? []
    output(
      (lines + ["", "next: " + ShellCommand.line([ShellCommand.program, "run", study.study.displayName])]).joined(
        separator: "\n"))
  }

  private func seconds(of study: NewStudy) throws -> Double? {
    let rows = try Study.load(file: study.study).rows
    let comparison = try Comparison(rows, runs: study.folder.appending(path: "runs"), library: ImageLibrary())
    return try comparison.plan(measuring: .seconds(20)).estimate?.seconds
  }
}

/// Asks on a terminal.
private struct Questions {
  let isAsking: Bool

  /// The answer, or what stands for none; nil where nothing is asked.
  /// - Throws: `ExitCode` where the terminal is closed.
  func ask(_ name: String, _ hint: String, else usual: String?) throws -> String? {
    guard isAsking else { return nil }
    while true {
      try FileHandle.standardError.write(contentsOf: Data("\(name) (\(hint)): ".utf8))
      guard let line = readLine() else { throw ExitCode(1) }
      let answer = line.trimmingCharacters(in: .whitespaces)
      if !answer.isEmpty { return answer }
      if let usual { return usual }
    }
  }
}
