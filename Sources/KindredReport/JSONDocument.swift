// JSON that other programs read: a document says what it is, and in which version.

import Foundation

/// A value as a JSON document whose key `schema` names its kind, such as `kindred.result/1`.
///
/// The number rises where a key goes, or means something else. New keys do not raise it.
package struct JSONDocument<Value: Encodable>: Encodable {
  private let schema: String
  private let value: Value

  /// - Parameters:
  ///   - value: what it holds, which has to be an object.
  ///   - schema: what it is.
  package init(_ value: Value, _ schema: JSONSchema) { (self.value, self.schema) = (value, schema.rawValue) }

  package func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(schema, forKey: .schema)
  }

  private enum Key: String, CodingKey { case schema }
}

/// Kindred's documents; docs/json.md has their keys.
package enum JSONSchema: String, CaseIterable, Sendable {
  /// A finished run: `result.json`, and what `train` and `distill` print.
  case result = "kindred.result/2"
  /// An epoch of a run: a line of `metrics.jsonl`.
  case metrics = "kindred.metrics/2"
  /// A comparison: `table.json`, and what `compare` and `demo` print.
  case comparison = "kindred.comparison/2"
  /// What `evaluate` measured.
  case evaluation = "kindred.evaluation/2"
  /// A recording or a part of one that `record` has finished.
  case recording = "kindred.recording/1"
  /// What `record --check` found.
  case recordingCheck = "kindred.recording-check/1"
  /// What `data check` found.
  case imageCheck = "kindred.image-check/1"
  /// How far runs have come: what `watch` prints.
  case status = "kindred.status/2"
  /// How alike two networks are at each pair of layers: what `match` prints.
  case match = "kindred.match/1"
  /// The networks there are.
  case networks = "kindred.networks/1"
  /// The methods there are.
  case methods = "kindred.methods/1"
  /// The value of one method's loss.
  case loss = "kindred.loss/1"
}
