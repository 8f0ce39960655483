// What a computation consists of, taken down where operations become handles.

/// Takes note of the operations of a computation, in their order.
package final class OperationRecorder: @unchecked Sendable {
  // A computation lives on one thread, so nothing else reaches its recorder.

  /// One operation.
  package struct Record {
    /// libtorch's name, such as `conv2d`; one that changes a tensor in place ends in `_`.
    package let operation: String
    /// What it was told beside its inputs, under libtorch's names.
    package let attributes: [String: OperationAttribute]
    /// What it read.
    package let inputs: [Tensor]
    /// What it made; nil for what makes no tensor, such as reading a tensor's elements.
    package let output: Tensor?
  }

  /// All of them so far.
  package private(set) var records: [Record] = []

  @TaskLocal static var current: OperationRecorder?

  /// Whether a network is traced: it is then as in evaluation, whatever its mode.
  package static var isRecording: Bool { current != nil }

  /// Runs what is recorded otherwise, or not at all.
  package static func paused<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $current.withValue(nil, operation: body)
  }

  package init() {}

  /// Runs `body` and takes note of its operations.
  package func record<Result>(_ body: () throws -> Result) rethrows -> Result {
    try OperationRecorder.$current.withValue(self, operation: body)
  }

  func add(
    _ operation: StaticString, _ attributes: [String: OperationAttribute], _ inputs: [Tensor], _ output: Tensor?
  ) {
    records.append(Record(operation: "\(operation)", attributes: attributes, inputs: inputs, output: output))
  }
}

/// What an operation is told beside its inputs.
package enum OperationAttribute: Equatable, Sendable {
  case int(Int)
  case ints([Int])
  case number(Double)
  case text(String)
}
