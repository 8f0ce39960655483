// An int8 teacher through the built command: what it costs is said and kept, and too much is refused.

import Foundation
import Kindred
import TestSupport
import Testing

@Suite struct QuantizedTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder(TinyRuns.files())
    try scratch.write(
      """
      extends: student.yaml
      teacher: {precision: int8, int8: {calibration_batches: 3}}
      """, to: "int8.yaml")
    let teacher = try run("train", "teacher.yaml", "--quiet")
    #expect(teacher.status == 0, "\(teacher.errors)")
  }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  private func cost(_ folder: String) throws -> QuantizationCost {
    struct Result: Decodable { let quantization: QuantizationCost }
    return try JSONDecoder().decode(Result.self, from: scratch.bytes("\(folder)/result.json")).quantization
  }

  @Test func whatItCostsIsSaidAndKept() throws {
    let first = try run("distill", "int8.yaml", "--out", "first")
    #expect(first.status == 0, "\(first.errors)")
    let cost = try cost("first")
    #expect(first.errors.contains("\(cost)"), "\(first.errors)")
    // One batch of 32 of the 40 images, and the layers that kd, sp and hint compare.
    #expect(cost.inputs == 32 && cost.convolutions.quantized == 8)
    #expect(cost.accuracy != nil && cost.similarities.keys.sorted() == ["stage2", "stage3"])
    let second = try run("distill", "int8.yaml", "--out", "second", "--quiet")
    #expect(second.status == 0, "\(second.errors)")
    let float32 = try run("distill", "student.yaml", "--out", "float32", "--quiet")
    #expect(float32.status == 0, "\(float32.errors)")
    let weights = try ["first", "second", "float32"].map { try scratch.bytes("\($0)/weights.safetensors") }
    #expect(weights[0] == weights[1])
    #expect(weights[0] != weights[2])
  }

  @Test func killedAndResumedItIsTheSameRun() throws {
    let whole = try run("distill", "int8.yaml", "--out", "whole", "--quiet")
    #expect(whole.status == 0, "\(whole.errors)")
    let arguments = ["distill", "int8.yaml", "--out", "killed", "--quiet", "--resume"]
    try Command.kill(arguments, in: scratch, onceThereIs: "killed/checkpoint.safetensors")
    #expect(!scratch.has("killed/result.json"))
    let last = try Command.start(arguments, in: scratch.url).wait()
    #expect(last.status == 0, "\(last.errors)")
    #expect(try scratch.bytes("whole/weights.safetensors") == scratch.bytes("killed/weights.safetensors"))
    #expect(try cost("whole") == cost("killed"))
  }

  @Test func whatCostsTooMuchIsRefused() throws {
    let bound = try run("distill", "int8.yaml", "--out", "bad", "--set", "teacher.int8.largest_gram_error=0")
    #expect(bound.status == 1)
    let line = try #require(bound.errors.split(separator: "\n").last)
    #expect(line.contains("teacher.int8.largest_gram_error: the int8 teacher costs too much"), "\(bound.errors)")
    #expect(line.contains("Gram matrix of stage2") && line.contains("precision: float32"), "\(bound.errors)")
    #expect(!scratch.has("bad/weights.safetensors") && !scratch.has("bad/config.yaml"))
    // The folder is free for the run with a bound that holds.
    let again = try run("distill", "int8.yaml", "--out", "bad", "--quiet")
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test func aRecordingOfItSaysSo() throws {
    let live = try run("distill", "int8.yaml", "--out", "live", "--quiet")
    #expect(live.status == 0, "\(live.errors)")
    let recording = try run("record", "int8.yaml", "--out", "tape")
    #expect(recording.status == 0, "\(recording.errors)")
    #expect(recording.errors.contains("8 of 9 convolutions in int8"), "\(recording.errors)")
    let header = String(decoding: try scratch.bytes("tape/recording.json"), as: UTF8.self)
    #expect(header.contains("int8, calibrated on 3 batches"), "\(header)")
    try scratch.write("extends: student.yaml\nteacher: {config: null, recording: tape}\n", to: "replay.yaml")
    let replay = try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(replay.status == 0, "\(replay.errors)")
    #expect(try scratch.bytes("live/weights.safetensors") == scratch.bytes("replay/weights.safetensors"))
  }
}
