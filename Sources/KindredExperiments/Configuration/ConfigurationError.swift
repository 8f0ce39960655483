import Foundation

/// A mistake in a configuration, as one line that says where it is, what is wrong and what would be right.
public struct ConfigurationError: Error, Sendable, Equatable {
  /// Where it was written: `sp.yaml:12`, `--set training.epocs=20`, or empty when it was not read from anywhere.
  public var place: String
  /// The path of the key, such as `training.epochs`; empty when the whole file is meant.
  public let key: String
  /// What is wrong and what to do.
  public let message: String

  public init(place: String = "", key: String = "", message: String) {
    self.place = place
    self.key = key
    self.message = message
  }
}

extension ConfigurationError: LocalizedError, CustomStringConvertible {
  public var description: String {
    // What is quoted from a file may have lines of its own.
    [place, key, message].filter { !$0.isEmpty }.joined(separator: ": ").replacing("\n", with: "\\n")
  }

  public var errorDescription: String? { description }
}
