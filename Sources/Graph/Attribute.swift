// What an operation is told beside its inputs.

import Torch

/// The value of an operation's attribute, as ONNX has them.
public enum Attribute: Equatable, Sendable {
  /// A whole number, such as an axis; 0 or 1 for what is false or true.
  case int(Int)
  /// Whole numbers, such as a kernel's height and width.
  case ints([Int])
  /// A number.
  case number(Double)
  /// Numbers.
  case numbers([Double])
  /// A word, such as the way of rounding.
  case text(String)
  /// A tensor's elements and shape.
  case tensor(values: [Double], shape: [Int], dtype: DType)
}

extension Graph.Node {
  /// A whole number, or what it is where it is not given.
  func int(_ name: String, _ absent: Int = 0) -> Int {
    if case .int(let value) = attributes[name] { return value }
    return absent
  }

  /// Whole numbers; nil where they are not given.
  func ints(_ name: String) -> [Int]? {
    if case .ints(let values) = attributes[name] { return values }
    return nil
  }

  /// A number, or what it is where it is not given.
  func number(_ name: String, _ absent: Double) -> Double {
    switch attributes[name] {
    case .number(let value): value
    case .int(let value): Double(value)
    default: absent
    }
  }

  /// A tensor; nil where it is not given.
  func tensor(_ name: String) -> Tensor? {
    guard case .tensor(let values, let shape, let dtype) = attributes[name] else { return nil }
    return Tensor(values, shape: shape).to(dtype)
  }

  /// A word, or what it is where it is not given.
  func text(_ name: String, _ absent: String) -> String {
    if case .text(let value) = attributes[name] { return value }
    return absent
  }
}
