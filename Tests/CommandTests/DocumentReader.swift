// Follows a document as a newcomer does, with everything so small that it takes seconds.

import Foundation
import GoldenFiles
import TestSupport
import Testing

/// Somebody who writes the files and types the lines of documents in one folder, one after another.
struct DocumentReader {
  let folder: TestFolder

  /// Follows every block.
  func follow(_ document: Document) throws {
    for block in document.blocks {
      switch block {
      case .file(let name?, let text): try folder.write(Shrunk.file(text), to: name)
      case .file(nil, let text): try inspect(text, document)
      case .shell(let lines): try type(lines, document)
      case .python(let text): try run(text)
      }
    }
  }

  /// What stands in no file of its own is put over the README's student, or over one without a teacher where it has its own.
  private func inspect(_ part: String, _ document: Document) throws {
    let isWhole = part.contains(/(?m)^teacher:/) && part.contains(/(?m)^losses:/)
    try folder.write("extends: \(isWhole ? "plain" : "student").yaml\n" + Shrunk.file(part), to: "part.yaml")
    try expectSuccess("kindred inspect part.yaml", document, shown: part)
  }

  private func type(_ lines: String, _ document: Document) throws {
    guard !lines.hasPrefix("make ") else { return try expectTargets(lines, document) }
    guard !lines.hasPrefix("python3 ") else { return try expectScript(lines, document) }
    // The one thing that needs the network; the sets that it would bring are drawn here.
    guard !lines.hasPrefix("kindred data get") else { return }
    try expectSuccess(Shrunk.lines(lines), document, shown: lines)
  }

  private func expectSuccess(_ lines: String, _ document: Document, shown: String) throws {
    func finish(_ lines: String) throws -> Child.Finished {
      try Command.shell("set -e\n\(Self.launchers)\n\(lines)", in: folder.url)
    }
    var finished = try finish(lines)
    // Where a teacher is to be trained first, as somebody would who reads that.
    if finished.status != 0, let advice = finished.errors.firstMatch(of: /; first run: (.+)/)?.1 {
      finished = try finish("\(advice)\n\(lines)")
    }
    #expect(finished.status == 0, "\(document.name):\n\(shown)\n\(finished.errors.suffix(2000))")
  }

  /// Launchers that only start what they are given: what they do beside it, `make processes` tries.
  private static let launchers = """
    torchrun() { while [ "$1" != kindred ]; do shift; done; "$@"; }
    srun() {
      SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=1 SLURM_ARRAY_TASK_STEP=1 \\
        SLURM_ARRAY_TASK_COUNT=1 "$@"
    }
    """

  private func expectTargets(_ lines: String, _ document: Document) throws {
    let makefile = try Checkout.text("Makefile")
    for match in lines.matches(of: /make ([a-z-]+)/) {
      #expect(makefile.contains("\n\(match.1):"), "\(document.name): make has no target \(match.1)")
    }
  }

  private func expectScript(_ lines: String, _ document: Document) throws {
    let script = try #require(lines.firstMatch(of: /python3 (\S+)/)?.1)
    let file = Checkout.url.appending(path: String(script))
    #expect(FileManager.default.fileExists(atPath: file.path), "\(document.name): there is no \(script)")
  }

  /// The C++ part of torchvision's wheel belongs to another build of PyTorch; its networks do without.
  private static let prelude = """
    import os, torch
    _library = torch.library.Library("torchvision", "DEF")
    for _name in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
        _library.define(f"{_name}(Tensor x) -> Tensor")
        _library.define(f"_{_name}_backward(Tensor x) -> Tensor")

    """

  private func run(_ python: String) throws {
    let script = try folder.write(
      Self.prelude + "os.chdir('\(folder.url.path)')\n" + Shrunk.python(python), to: "script.py")
    try Python.run([script.path])
  }
}

/// The same settings, but small: a few drawn images, two epochs, one seed. Which settings there are stays as it is.
enum Shrunk {
  static func file(_ text: String) -> String {
    let text = numbers(text)
      // Sets of their authors' become drawn ones, and that with splits the photographs of another experiment.
      .replacing("set: dtd,", with: "set: folder, train: ../dtd-10/images, held_out: 0.2,")
    let counts = ["train_images", "test_images"].filter { !text.contains($0) }.map { "\($0): 16" }
    return text.replacing(/(\{|\n? *)set: (?:textures|cifar-100?|cinic-10)\b/) { match in
      let before = String(match.output.1)
      let separator = before == "{" ? ", " : before.hasPrefix("\n") ? before : "\n" + before
      return before + (["set: textures"] + counts).joined(separator: separator)
    }
  }

  static func lines(_ text: String) -> String {
    var text = numbers(text)
    text.replace(/data\.set=[\w-]+/, with: "data.set=textures")
    text.replace("/shared/", with: "shared/")
    text.replace(/--epochs \d+/, with: "--epochs 2")
    text.replace(/--seeds \d+/, with: "--seeds 1")
    text.replace(/--processes \d+/, with: "--processes 2")
    // After a few steps statistics of batch norms are far from those of any batch, and fewer bits cost all there is.
    text.replace("--precision int8 --input", with: "--input")
    // What the guides' studies show on their pages is shown once.
    text.replace(/kindred compare Experiments/, with: "kindred compare --no-report Experiments")
    text.replace("--student '1 MB'", with: "--student '400 kB' --teacher resnet-14 --epochs 2")
    return text
  }

  /// A teacher for small batches, and for the classes of the drawn images.
  static func python(_ text: String) -> String {
    text.replacing("torch.randn(64, ", with: "torch.randn(8, ")
      .replacing("nn.Linear(128, 1000)", with: "nn.Linear(128, 10)")
  }

  private static func numbers(_ text: String) -> String {
    let sizes: [(key: String, value: String)] = [
      ("epochs", "2"), ("evaluate_every", "2"), ("batch_size", "8"), ("learning_rate", "0.001"), ("milestones", "[1]"),
      ("train_images", "16"), ("test_images", "16"), ("held_out_images", "16"), ("images", "16"),
      ("checked_images", "16"),
      ("warm_up_epochs", "1"), ("seeds", "1"), ("splits", "2"), ("negatives", "8"), ("accumulate", "2"),
    ]
    let text = text.replacing(/(size|test_resize): (?:96|\d{3})\b/) { "\($0.output.1): 64" }
      .replacing(/(sweep: \[[^,\]]+, [^,\]]+), [^\]]+/) { $0.output.1 }
    return sizes.reduce(text) { text, size in
      guard let pattern = try? Regex<(Substring, Substring)>("\\b(\(size.key)[:=] ?)(?:[0-9.e-]+|all|\\[[0-9, ]+\\])")
      else {
        return text
      }
      // As in most programs: Unicode's rules see one word in "training.epochs".
      return text.replacing(pattern.wordBoundaryKind(.simple)) { $0.output.1 + size.value }
    }
  }
}
