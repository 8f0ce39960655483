// What is known of a network beside its weights.

/// A network's name and the shapes of what it gives: enough to check losses against it and to build what they train.
public struct NetworkDescription: Sendable, Equatable, Codable {
  /// A network's name such as `wrn-40-2`, or a file's.
  public var name: String
  /// The number of its logits; nil where it gives none.
  public var classes: Int?
  /// The shape of each activation without its batch axis, C x H x W for images.
  public var taps: [String: [Int]]
  /// Where it stands for several teachers, each of them.
  package var teachers: [NetworkDescription]?

  /// A description of these parts.
  public init(name: String, classes: Int?, taps: [String: [Int]]) {
    self.name = name
    self.classes = classes
    self.taps = taps
  }

  /// The shape without its batch axis of what can be compared under a name; nil where there is none.
  public func shape(of tap: String) -> [Int]? {
    tap == Activations.logitsName ? classes.map { [$0] } : taps[tap]
  }
}
