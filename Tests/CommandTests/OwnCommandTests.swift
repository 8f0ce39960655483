// A command of somebody's own, Examples/OwnKindred: its loss and its network by name, and what the stock command says of them.

import Foundation
import Kindred
import KindredVision
import TestSupport
import Testing

@Suite struct OwnCommandTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder()
    try scratch.write([
      "teacher.yaml": """
      data: {set: textures, train_images: 64, test_images: 40}
      student: {network: two-stages-16}
      training: {epochs: 1, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """,
      "student.yaml": """
      extends: teacher.yaml
      student: {network: two-stages-8}
      teacher: {config: teacher.yaml}
      losses: {centred: {temperature: 2}, at: {weight: 10}}
      """,
    ])
  }

  private func own(_ arguments: String..., in folder: URL? = nil) throws -> Child.Finished {
    try Child(Command.binary("OwnKindred"), arguments, in: folder ?? scratch.url).wait()
  }

  @Test func theExamplesFileIsUnderstood() throws {
    let example = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Examples/OwnKindred").standardizedFileURL
    let shown = try own("inspect", "student.yaml", in: example)
    // As a run would be, until its teacher is trained.
    #expect(shown.status == 1 && shown.errors.contains("teacher is not trained yet"), "\(shown.errors)")
    #expect(shown.output.contains(/network +two-stages-8 +two-stages-16/), "\(shown.output)")
    #expect(shown.output.contains(/centred \(T = 2\.000\) +1\.000 +logits +logits/), "\(shown.output)")
  }

  @Test func namesAreListedAndCompleted() throws {
    #expect(try own("networks").output.contains(/\ntwo-stages-8 +32 .* stage1 stage2 pooled/))
    #expect(try own("loss", "--list").output.contains("\ncentred "))
    #expect(try own("loss", "centred", "--list").output.contains("--set temperature="))
    let help = try own("help").output
    #expect(help.contains("USAGE: own-kindred <subcommand>") && help.contains("'own-kindred demo'"), "\(help)")
    let losses = try own("loss", "--help").output
    #expect(losses.contains("'own-kindred loss --list'") && !losses.contains("'kindred "), "\(losses)")
    let completions = try own("--generate-completion-script", "bash").output
    #expect(completions.contains("two-stages-16") && completions.contains("centred"))
  }

  /// Its runs go on, are evaluated, reported and exported by it; the stock command names what it does not know.
  @Test func runsBelongToTheCommandThatMadeThem() throws {
    let teacher = try own("train", "teacher.yaml", "--quiet")
    try #require(teacher.status == 0, "\(teacher.errors)")
    let trained = try own("distill", "student.yaml", "--quiet", "--json")
    try #require(trained.status == 0, "\(trained.errors)")
    for (name, stranger) in [("teacher", "'two-stages-16'"), ("student", "losses.centred: ")] {
      let run = "runs/\(name)/seed-1"
      let command = name == "teacher" ? "train" : "distill"
      for arguments in [
        [command, "\(name).yaml", "--resume", "--epochs", "2", "--quiet"], ["evaluate", run], ["report", run],
        ["export", run, "--output", "\(name).onnx"],
      ] {
        let stock = try Command.start(arguments, in: scratch.url).wait()
        #expect(stock.status == 1 && stock.errors.contains(stranger), "\(arguments): \(stock.errors)")
        #expect(stock.errors.hasPrefix("Error: ") && stock.errors.split(separator: "\n").count == 1, "\(stock.errors)")
        guard name == "student" else { continue }
        let own = try Child(Command.binary("OwnKindred"), arguments, in: scratch.url).wait()
        #expect(own.status == 0, "\(arguments): \(own.errors)")
      }
    }
  }

  @Test func takenNamesAreRefused() {
    struct Another: Method {
      static let card = MethodCard(
        name: "kd", paper: "", formula: "", agreesWith: nil, compares: "", records: "", weight: 1)

      func loss(for setup: LossSetup) throws -> any DistillationLoss { throw MethodError("is none") }
    }
    let error = #expect(throws: CatalogueError.self) { try Methods.add([Another.self]) }
    #expect(error?.description == "'kd' names a method already, or something beside it; take another name")
    for name in ["resnet-20", "wrn-94-7", "", "my net", "8", "a/b"] {
      let family = NetworkFamily(title: "", source: "", imageSize: 32, members: [name: 1]) { _, classes, _, generator in
        fatalError("no network of \(classes) classes, \(generator)")
      }
      #expect(throws: CatalogueError.self, "\(name)") { try Networks.add([family]) }
    }
    for name in ["mnist", "folder"] {
      let set = DataSet(
        name, about: "", imageShape: (1, 8, 8), classNames: ["a"], counts: (1, 1),
        statistics: ImageStatistics(mean: [0.5], deviation: [0.5]), augmentation: Augmentation(flip: true)
      ) { _ in fatalError("nothing to load") }
      #expect(throws: CatalogueError.self, "\(name)") { try DataSets.add([set]) }
    }
  }
}
