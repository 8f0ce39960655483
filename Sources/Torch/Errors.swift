// What happens when libtorch refuses an operation: a trap with its own words, or, inside a scope, a Swift error.

import CTorch

/// An operation that libtorch refused.
public struct TorchError: Error, CustomStringConvertible, Sendable {
  /// The operation's name and its arguments' shapes.
  public let operation: String
  /// libtorch's own words, without its C++ stack trace.
  public let message: String
  /// Whether the device or the machine had too little memory.
  public let isOutOfMemory: Bool

  public var description: String { "\(operation): \(message)" }
}

/// The first failure inside a `withTorchErrors` scope.
final class ErrorRecorder: @unchecked Sendable {
  // A scope lives on one thread, so nothing else reaches its recorder.
  var first: TorchError?

  @TaskLocal static var current: ErrorRecorder?
}

/// Runs `body`, in which tensor operations that libtorch refuses become a thrown `TorchError` instead of a trap.
///
/// Operations after the first failure work on undefined tensors; the first failure is what is thrown.
/// - Throws: `TorchError`, or whatever `body` throws itself when no operation failed before.
public func withTorchErrors<Result>(_ body: () throws -> Result) throws -> Result {
  let recorder = ErrorRecorder()
  let result = Swift.Result { try ErrorRecorder.$current.withValue(recorder, operation: body) }
  if let error = recorder.first { throw error }
  return try result.get()
}

/// Takes ownership of the handle an operation returned, or reports why there is none.
func adopt(
  _ handle: ct_tensor?, _ operation: StaticString, _ arguments: @autoclosure () -> [Tensor] = [],
  _ attributes: @autoclosure () -> [String: OperationAttribute] = [:]
) -> Tensor {
  guard let handle else {
    report(operation, arguments())
    return Tensor(owning: ct_undefined())
  }
  let result = Tensor(owning: handle)
  OperationRecorder.current?.add(operation, attributes(), arguments(), result)
  return result
}

/// Reports a failed status.
func check(_ status: Int32, _ operation: StaticString, _ arguments: @autoclosure () -> [Tensor] = []) {
  if status != 0 { report(operation, arguments()) }
  OperationRecorder.current?.add(operation, [:], arguments(), nil)
}

private func report(_ operation: StaticString, _ arguments: [Tensor]) {
  let shapes = arguments.map { "\($0.dtype)\($0.shape)" }.joined(separator: ", ")
  let error = TorchError(
    operation: "\(operation)(\(shapes))", message: lastMessage(), isOutOfMemory: ct_last_error_is_out_of_memory())
  guard let recorder = ErrorRecorder.current else { fatalError(error.description) }
  if recorder.first == nil { recorder.first = error }
}

private func lastMessage() -> String {
  let text = String(cString: ct_last_error())
  return text.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? text
}
