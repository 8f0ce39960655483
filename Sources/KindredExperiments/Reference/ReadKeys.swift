// The keys that a type reads of JSON, found out by having it read from a decoder that has every key.

/// A key of a document, with the keys of the sections that it stands in before it.
struct ReadKey {
  let path: [String]
  let type: String
  let isOptional: Bool
}

/// Collects the keys that types read.
final class KeyFinder {
  private var keys: [ReadKey] = []
  /// Whether the key that is read next may be absent.
  fileprivate var isOptional = false
  /// What texts under these keys are, for types that take only some.
  private let words: [String: String]

  private init(words: [String: String]) { self.words = words }

  /// All keys that a type reads, in their order.
  static func keys<Value: Decodable>(of type: Value.Type, words: [String: String] = [:]) throws -> [ReadKey] {
    let finder = KeyFinder(words: words)
    _ = try Value(from: Decoding(finder: finder, codingPath: []))
    return finder.keys
  }

  /// Notes a key and those in what it holds.
  fileprivate func read<Value: Decodable>(_ type: Value.Type, _ path: [any CodingKey]) throws -> Value {
    let (place, isOptional) = (keys.count, self.isOptional)
    self.isOptional = false
    let value = try value(of: type, path)
    let isSection = keys.count > place
    keys.insert(
      ReadKey(
        path: path.map(\.stringValue), type: isSection ? "object" : KeyFinder.text(type), isOptional: isOptional),
      at: place)
    return value
  }

  fileprivate func value<Value: Decodable>(of type: Value.Type, _ path: [any CodingKey]) throws -> Value {
    let simple: [Any] = [false, 0.0, 0, UInt64(0), words[path.last?.stringValue ?? ""] ?? ""]
    return try simple.lazy.compactMap { $0 as? Value }.first ?? Value(from: Decoding(finder: self, codingPath: path))
  }

  private static func text<Value>(_ type: Value.Type) -> String {
    switch type {
    case is Bool.Type: "true or false"
    case is Double.Type: "number"
    case is Int.Type, is UInt64.Type: "whole number"
    case is [Double].Type: "list of numbers"
    case is [String].Type: "list of texts"
    case is [String: Double].Type: "object of numbers"
    case is any ExpressibleByDictionaryLiteral.Type: "object"
    default: "text"
    }
  }
}

/// A document that has every key and holds nothing.
private struct Decoding: Decoder {
  let finder: KeyFinder
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Section(decoding: self))
  }

  func unkeyedContainer() -> any UnkeyedDecodingContainer { NoItems(decoding: self) }
  func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoding: self) }
}

private struct Section<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoding: Decoding
  var codingPath: [any CodingKey] { decoding.codingPath }
  var allKeys: [Key] { [] }

  func contains(_ key: Key) -> Bool { true }

  /// Is asked of a key that may be absent, before it is read.
  func decodeNil(forKey key: Key) -> Bool {
    decoding.finder.isOptional = true
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try decoding.finder.read(type, codingPath + [key])
  }

  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type, forKey key: Key
  ) -> KeyedDecodingContainer<Inner> { inner(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer { inner(key).unkeyedContainer() }
  func superDecoder() -> any Decoder { decoding }
  func superDecoder(forKey key: Key) -> any Decoder { inner(key) }

  private func inner(_ key: Key) -> Decoding { Decoding(finder: decoding.finder, codingPath: codingPath + [key]) }
}

private struct Single: SingleValueDecodingContainer {
  let decoding: Decoding
  var codingPath: [any CodingKey] { decoding.codingPath }

  func decodeNil() -> Bool { false }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoding.finder.value(of: type, codingPath) }
}

private struct NoItems: UnkeyedDecodingContainer {
  let decoding: Decoding
  var codingPath: [any CodingKey] { decoding.codingPath }
  var count: Int? { 0 }
  var isAtEnd: Bool { true }
  var currentIndex: Int { 0 }

  func decodeNil() -> Bool { true }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoding.finder.value(of: type, codingPath) }
  func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    decoding.container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { self }
  func superDecoder() -> any Decoder { decoding }
}
