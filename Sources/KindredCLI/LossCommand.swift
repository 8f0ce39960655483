// `kindred loss`: one method's loss and gradient for given activations, to check another program against.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import Torch

struct LossCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loss", abstract: "Compute one method's loss (unweighted) and its gradient from two files.",
    discussion: """
      Both files hold 'activation' (for sp and at) or 'logits' (for kd), the first axis being the batch. The gradient \
      file gets the same name, the gradient with respect to the student's tensor. Computed in double precision.
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable { case sp, at, kd }

  @Argument(help: "The method: sp, at or kd.")
  var method: Method

  @Option(help: "The student's safetensors file.")
  var student: String

  @Option(help: "The teacher's safetensors file.")
  var teacher: String

  @Option(help: "Where to write the gradient.")
  var gradient: String?

  @Option(help: "The temperature of kd.")
  var temperature = 4.0

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard temperature > 0, temperature.isFinite else { throw ValidationError("--temperature must be above 0.") }
  }

  func run() throws {
    let name = method == .kd ? "logits" : "activation"
    let (own, other) = (try tensor(name, in: file(student)), try tensor(name, in: file(teacher)))
    try check(own, other, name)
    // In double precision, so that a port is checked against the formula and not against our rounding.
    let wide = own.to(.float64).detached()
    wide.requiresGradient = true
    let value = try withTorchErrors { loss(wide, other.to(.float64)) }
    if let gradient {
      guard let result = value.gradients(of: [wide])[0] else { throw RunError("the loss has no gradient") }
      try Safetensors.write([name: result.to(own.dtype)], to: file(gradient))
    }
    output(json ? try KindredCLI.json(Report(method: method.rawValue, loss: value.item)) : text(value.item))
  }

  private struct Report: Encodable {
    let method: String
    let loss: Double
  }

  private func text(_ loss: Double) -> String { String(format: "%.12g", loss.printed) }

  private func loss(_ own: Tensor, _ other: Tensor) -> Tensor {
    let pair = LayerPair("activation")
    let loss: any DistillationLoss =
      switch method {
      case .sp: SimilarityPreserving([pair])
      case .kd: KnowledgeDistillation(temperature: temperature)
      case .at:
        AttentionTransfer([.init(pair, studentSize: own.shape[2], teacherSize: other.shape[2])])
      }
    let teacher = Activations(logits: other, taps: ["activation": other])
    return loss(
      Activations(logits: own, taps: ["activation": own]), TeacherOutput(teacher, needs: loss.teacherNeeds))
  }

  /// Refuses shapes that the method cannot compare.
  private func check(_ own: Tensor, _ other: Tensor, _ name: String) throws {
    for (path, tensor) in [(student, own), (teacher, other)] {
      guard tensor.dtype.isFloatingPoint else {
        throw RunError("\(path): '\(name)' is \(tensor.dtype), expected a floating-point type")
      }
      guard tensor.shape.count >= 2, tensor.count > 0 else {
        throw RunError("\(path): '\(name)' has shape \(tensor.shape), expected a batch of activations")
      }
      if method == .at {
        guard tensor.shape.count == 4, tensor.shape[2] == tensor.shape[3] else {
          throw RunError("\(path): '\(name)' has shape \(tensor.shape), at needs N x C x H x W with H = W")
        }
      }
      if method == .kd, tensor.shape.count != 2 {
        throw RunError("\(path): 'logits' has shape \(tensor.shape), kd needs N x classes")
      }
    }
    guard own.shape[0] == other.shape[0] else {
      throw RunError(
        "the student's batch is \(own.shape[0]), the teacher's \(other.shape[0]); they must be the same inputs")
    }
    if method == .sp, own.shape[0] == 1 {
      throw RunError("sp needs a batch of two or more: a 1 x 1 similarity matrix is 1 whatever the network says")
    }
    if method == .kd, own.shape != other.shape {
      throw RunError("the student has \(own.shape[1]) classes, the teacher \(other.shape[1]); kd needs the same ones")
    }
  }
}
