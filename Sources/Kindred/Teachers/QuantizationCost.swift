// What a network loses in fewer bits: measured on held-out inputs before it is used, never assumed.

import Files
import Foundation
import Graph
import Torch

/// A network in int8 or float16 beside the float32 one on the same held-out inputs.
public struct QuantizationCost: Sendable, Codable, Equatable {
  /// What works in place of float32.
  public enum Precision: String, Sendable, Codable {
    case int8, float16
  }

  /// Top-1 accuracies, between 0 and 1.
  public struct Accuracy: Sendable, Codable, Equatable {
    /// In float32, between 0 and 1.
    public let float32: Double
    /// In fewer bits, between 0 and 1.
    public let reduced: Double

    private enum CodingKeys: String, CodingKey { case float32Percent, reducedPercent }

    package init(float32: Double, reduced: Double) {
      self.float32 = float32
      self.reduced = reduced
    }

    /// In percentage points; negative where fewer bits do better.
    public var drop: Double { (float32 - reduced) * 100 }

    /// Reads percent.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      float32 = try values.decode(Double.self, forKey: .float32Percent) / 100
      reduced = try values.decode(Double.self, forKey: .reducedPercent) / 100
    }

    /// Writes percent.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(Percent.of(float32), forKey: .float32Percent)
      try values.encode(Percent.of(reduced), forKey: .reducedPercent)
    }
  }

  /// How far the row-normalised Gram matrices of an activation agree, as means over the batches.
  public struct Similarity: Sendable, Codable, Equatable {
    /// The Frobenius norm of the difference over that of the float32 network's matrix.
    public let relativeError: Double
    /// Pearson's, of the entries off the diagonal.
    public let correlation: Double

    package init(relativeError: Double, correlation: Double) {
      self.relativeError = relativeError
      self.correlation = correlation
    }
  }

  /// What works in place of float32.
  public let precision: Precision
  /// The inputs that were measured on.
  public let inputs: Int
  /// How many convolutions work in fewer bits.
  public let convolutions: QuantizationCount
  /// Nil where the labels are not the network's classes.
  public let accuracy: Accuracy?
  /// By the name of the activation, for those that losses use.
  public let similarities: [String: Similarity]

  package init(
    _ precision: Precision = .int8, inputs: Int, convolutions: QuantizationCount, accuracy: Accuracy?,
    similarities: [String: Similarity]
  ) {
    self.precision = precision
    self.inputs = inputs
    self.convolutions = convolutions
    self.accuracy = accuracy
    self.similarities = similarities
  }

  /// What fewer bits may cost.
  public struct Bounds: Sendable, Equatable {
    /// The largest loss of top-1 accuracy, in percentage points.
    public var largestTop1Drop: Double
    /// The largest relative error of a Gram matrix.
    public var largestGramError: Double
    /// The smallest correlation of a Gram matrix's entries off the diagonal with those in float32.
    public var smallestGramCorrelation: Double

    /// The usual bounds where nothing else is given.
    public init(
      largestTop1Drop: Double = 2, largestGramError: Double = 0.1, smallestGramCorrelation: Double = 0.98
    ) {
      self.largestTop1Drop = largestTop1Drop
      self.largestGramError = largestGramError
      self.smallestGramCorrelation = smallestGramCorrelation
    }
  }

  /// Refuses a cost beyond bounds; `role` is what the network is, for the message.
  /// - Throws: `QuantizationTooCostly` for the first figure beyond its bound.
  public func check(_ bounds: Bounds, of role: String = "teacher") throws {
    let subject = "the \(precision.rawValue) \(role)"
    if let drop = accuracy?.drop, drop > bounds.largestTop1Drop {
      throw QuantizationTooCostly(.top1Drop, drop, bound: bounds.largestTop1Drop, inputs: inputs, subject)
    }
    for (tap, similarity) in similarities.sorted(by: { $0.key < $1.key }) {
      // A figure that is not a number is beyond any bound.
      if !(similarity.relativeError <= bounds.largestGramError) {
        throw QuantizationTooCostly(
          .gramError(tap), similarity.relativeError, bound: bounds.largestGramError, inputs: inputs,
          subject)
      }
      if !(similarity.correlation >= bounds.smallestGramCorrelation) {
        throw QuantizationTooCostly(
          .gramCorrelation(tap), similarity.correlation, bound: bounds.smallestGramCorrelation, inputs: inputs,
          subject)
      }
    }
  }
}

extension QuantizationCost {
  /// Reads what `encode` wrote, and results from before there was more than int8.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try values.decodeIfPresent(Precision.self, forKey: .precision) ?? .int8,
      inputs: try values.decode(Int.self, forKey: .inputs),
      convolutions: try values.decode(QuantizationCount.self, forKey: .convolutions),
      accuracy: try values.decodeIfPresent(Accuracy.self, forKey: .accuracy),
      similarities: try values.decode([String: Similarity].self, forKey: .similarities))
  }
}

extension QuantizationCost: CustomStringConvertible {
  /// One line.
  public var description: String {
    var figures: [String] = []
    if let accuracy {
      figures.append(
        String(
          format: "top-1 %.2f %% (float32 %.2f %%)", accuracy.reduced * 100, accuracy.float32 * 100))
    }
    figures += similarities.sorted { $0.key < $1.key }.map { tap, similarity in
      String(
        format: "Gram matrix of %@ off by %.2f %%, correlation %.4f", tap,
        (similarity.relativeError * 100).printed, similarity.correlation.printed)
    }
    return
      "\(convolutions.quantized) of \(convolutions.convolutions) convolutions in \(precision.rawValue); on \(inputs) held-out inputs "
      + figures.joined(separator: "; ")
  }
}

/// A network in fewer bits that loses more than it may.
public struct QuantizationTooCostly: Error, Equatable, CustomStringConvertible, Sendable {
  /// What was measured.
  public enum Figure: Sendable, Equatable {
    /// In percentage points.
    case top1Drop
    /// Of the activation of that name.
    case gramError(String)
    /// Of the activation of that name.
    case gramCorrelation(String)
    /// Some logits are infinite, or not a number.
    case logits
  }

  /// The figure that is beyond its bound.
  public let figure: Figure
  /// What was measured.
  public let value: Double
  /// What is allowed.
  public let bound: Double
  /// The inputs that were measured on.
  public let inputs: Int
  private let subject: String

  init(_ figure: Figure, _ value: Double, bound: Double, inputs: Int, _ subject: String = "the int8 teacher") {
    self.figure = figure
    self.value = value
    self.bound = bound
    self.inputs = inputs
    self.subject = subject
  }

  public var description: String {
    let value = value.printed
    let finding =
      switch figure {
      case .top1Drop:
        String(format: "it loses %.2f points of top-1 accuracy, more than %g", value, bound)
      case .gramError(let tap):
        String(format: "its Gram matrix of %@ is off by %.4f of its norm, more than %g", tap, value, bound)
      case .gramCorrelation(let tap):
        String(
          format: "its Gram matrix of %@ has a correlation of %.4f with the exact one, less than %g", tap, value, bound)
      case .logits: "its logits are not finite"
      }
    return "\(subject) costs too much: on \(inputs) held-out inputs \(finding)"
  }
}
