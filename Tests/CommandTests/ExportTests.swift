// Exporting through the built command: files in fewer bits say what they cost, and too much is refused.

import Foundation
import TestSupport
import Testing

@Suite struct ExportTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    let run = try run("train", "teacher.yaml", "--quiet", "--out", "net")
    #expect(run.status == 0, "\(run.errors)")
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  private func parameters(_ file: String) throws -> Substring? {
    let shown = try run("inspect", file)
    #expect(shown.status == 0, "\(shown.errors)")
    return shown.output.split(separator: "\n").first { $0.hasPrefix("parameters") }
  }

  @Test func fewerBitsSayWhatTheyCost() throws {
    let exact = try run("export", "net", "--output", "float32.onnx")
    #expect(exact.status == 0, "\(exact.errors)")
    for precision in ["float16", "int8"] {
      let file = "\(precision).onnx"
      let export = try run("export", "net", "--output", file, "--precision", precision, "--input", "bytes")
      #expect(export.status == 0 && export.output.isEmpty, "\(export.errors)")
      #expect(
        export.errors.contains("wrote \(file); 9 of 9 convolutions in \(precision); on 32 held-out inputs top-1 "))
      #expect(export.errors.contains("Gram matrix of pooled off by"), "\(export.errors)")
      let evaluation = try run("evaluate", file)
      #expect(evaluation.status == 0 && evaluation.output.contains(" textures test images"), "\(evaluation.errors)")
      #expect(try parameters(file) == parameters("float32.onnx"))
      let shown = try run("inspect", file)
      #expect(shown.output.contains("precision") && shown.output.contains("cost "), "\(shown.output)")
    }
    #expect(try scratch.bytes("int8.onnx").count < scratch.bytes("float32.onnx").count * 2 / 5)
    try anInt8FileTeaches()
    try aDamagedFileIsALine()
  }

  private func anInt8FileTeaches() throws {
    try scratch.write(
      """
      extends: plain.yaml
      teacher: {onnx: int8.onnx}
      losses: {sp: {weight: 1, layers: [{student: stage3, teacher: last}]}}
      """, to: "sp.yaml")
    let distilled = try run("distill", "sp.yaml", "--quiet", "--out", "student", "--epochs", "1")
    #expect(distilled.status == 0, "\(distilled.errors)")
  }

  private func aDamagedFileIsALine() throws {
    let bytes = try scratch.bytes("int8.onnx")
    try bytes.prefix(bytes.count / 2).write(to: scratch.url.appending(path: "cut.onnx"))
    let refused = try run("evaluate", "cut.onnx")
    #expect(refused.status == 1)
    #expect(refused.errors.hasPrefix("Error: cut.onnx: ") && refused.errors.split(separator: "\n").count == 1)
  }

  @Test func whatCostsTooMuchIsNotWritten() throws {
    try scratch.write("before", to: "file.onnx")
    let bounds = ["--largest-gram-error", "--smallest-gram-correlation"]
    for (bound, value) in zip(bounds, ["0", "1"]) {
      let refused = try run("export", "net", "--output", "file.onnx", "--precision", "int8", "\(bound)=\(value)")
      #expect(refused.status == 1)
      #expect(
        refused.errors.hasPrefix("Error: the int8 file costs too much: on 32 held-out inputs"), "\(refused.errors)")
      #expect(refused.errors.contains("allow more with \(bound), "), "\(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1)
    }
    for (option, line) in [
      ("--largest-top1-drop=-100", "--largest-top1-drop: expected a number of at least 0, found -100.0"),
      ("--largest-gram-error=nan", "--largest-gram-error: expected a number of at least 0, found nan"),
      ("--calibration-batches=0", "--calibration-batches: expected a whole number of at least 1, found 0"),
      ("--precision=float32", "nothing is calibrated or measured in float32; take those options out"),
    ] {
      let words = ["export", "net", "--output", "file.onnx", "--precision", "int8", "--checked-images", "40", option]
      let refused = try Command.start(words, in: scratch.url).wait()
      #expect(refused.status == 1 && refused.errors.hasPrefix("Error: \(line)"), "\(refused.errors)")
    }
    #expect(try scratch.text("file.onnx") == "before")
  }
}
