import Foundation

/// A mistake in a configuration, as one line that says where it is, what is wrong and what would be right.
package struct ConfigurationError: Error, Sendable, Equatable {
  /// Where it was written: `sp.yaml:12`, `--set training.epocs=20`, or empty when it was not read from anywhere.
  package var place: String
  /// The path of the key, such as `training.epochs`; empty when the whole file is meant.
  package let key: String
  /// What is wrong and what to do.
  package let message: String

  package init(place: String = "", key: String = "", message: String) {
    self.place = place
    self.key = key
    self.message = message
  }
}

extension ConfigurationError: LocalizedError, CustomStringConvertible {
  package var description: String {
    // What is quoted from a file may have lines of its own.
    [place, key, message].filter { !$0.isEmpty }.joined(separator: ": ").replacing("\n", with: "\\n")
  }

  package var errorDescription: String? { description }
}
