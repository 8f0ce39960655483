// Python's pickles, of which data sets and checkpoints are made, read as a tree of values: nothing in them is run.

import Foundation

/// What a pickle of protocol 0 to 4 holds.
///
/// A pickle is a program for a machine with a stack, and asks for functions by name. Here no function is called: those
/// that the caller knows become objects that say what they were made from, all others are refused or do the same. A container that
/// stands in another may no longer change, as is so wherever data are written; so nothing holds itself, and how deep
/// everything nests is known. Texts and bytes stay where they are in the file until somebody asks for them, and there
/// are no more values, and no more of anything else, than the file has bytes or `largestCount` says.
package struct Pickle: Sendable {
  /// The value that the pickle is of.
  package let root: Value
  /// The bytes that it took: some files hold several, one after another.
  package let length: Int

  /// - Parameters:
  ///   - constructors: the classes and functions that may be asked for, such as `numpy.dtype`; nil for any.
  ///   - largestCount: how many values there may be.
  /// - Throws: `PickleError` for a damaged pickle, or one that asks for anything else.
  package init(_ data: Data, constructors: Set<String>? = [], largestCount: Int = 1 << 20) throws {
    var machine = PickleMachine(data, constructors: constructors?.union([Pickle.encode]), largestCount: largestCount)
    let root = try machine.run()
    self.root = Value(contents: PickleContents(data: data, nodes: machine.nodes), id: root)
    length = machine.position
  }

  /// Every persistent id in it, each once.
  package var persistentIDs: [Value] {
    root.contents.nodes.indices.compactMap { Value(contents: root.contents, id: $0).persistentID }
  }

  /// With which Python 3 writes bytes for Python 2.
  static let encode = "_codecs.encode"

  /// The beginning of a text that stands in a pickle, without what a terminal would take for orders.
  package static func printable(_ text: String) -> String {
    text.unicodeScalars.prefix(100).map { $0.isASCII && $0.value >= 32 ? String($0) : "?" }.joined()
  }
}

/// A pickle that is not read: what is wrong, and at which byte.
package struct PickleError: Error, CustomStringConvertible, Sendable, Equatable {
  package let problem: String
  package let offset: Int

  package var description: String { "\(problem) (at byte \(offset))" }
}

// MARK: - Values

extension Pickle {
  /// A value in a pickle. Whoever walks through all of it has to expect that values are shared.
  package struct Value: Sendable {
    fileprivate let contents: PickleContents
    fileprivate let id: Int

    private var node: PickleNode { contents.nodes[id] }

    private func value(_ id: Int) -> Value { Value(contents: contents, id: id) }

    /// What kind of value it is, in Python's words.
    package var kind: String {
      switch node.content {
      case .none: "None"
      case .flag: "a bool"
      case .integer, .long: "an int"
      case .number: "a float"
      case .bytes, .decoded(_, isBytes: true): "bytes"
      case .text, .decoded: "a str"
      case .list: "a list"
      case .tuple: "a tuple"
      case .dictionary: "a dict"
      case .set: "a set"
      case .global(let name): "the name \(name)"
      case .object(let constructor, _): constructor
      case .persistent: "a persistent id"
      }
    }

    package var flag: Bool? { if case .flag(let flag) = node.content { flag } else { nil } }

    /// A whole number of 64 bits; larger ones have none.
    package var integer: Int? { if case .integer(let integer) = node.content { integer } else { nil } }

    package var number: Double? { if case .number(let number) = node.content { number } else { nil } }

    /// Bytes: a `str` of Python 2 and `bytes` of Python 3.
    package var bytes: Data? {
      switch node.content {
      case .bytes(let range): contents.data[range]
      case .decoded(let data, isBytes: true): data
      case .object(Pickle.encode, let arguments) where arguments.count == 2: encoded(arguments)
      default: nil
      }
    }

    /// `_codecs.encode(text, 'latin1')`: a character a byte.
    private func encoded(_ arguments: [Int]) -> Data? {
      guard ["latin1", "latin-1"].contains(value(arguments[1]).text), let text = value(arguments[0]).text else {
        return nil
      }
      var bytes = Data(capacity: text.utf8.count)
      for scalar in text.unicodeScalars {
        guard let byte = UInt8(exactly: scalar.value) else { return nil }
        bytes.append(byte)
      }
      return bytes
    }

    /// Text: a `str` of Python 3, and one of Python 2 that is UTF-8.
    package var text: String? {
      switch node.content {
      case .text(let range), .bytes(let range): String(data: contents.data[range], encoding: .utf8)
      case .decoded(let data, _): String(data: data, encoding: .utf8)
      default: nil
      }
    }

    /// The items of a list, a tuple or a set, or what was appended to an object.
    package var items: [Value]? {
      switch node.content {
      case .list, .tuple, .set, .object: node.items.map(value)
      default: nil
      }
    }

    /// Keys and values of a dictionary, or of an object that is one.
    package var entries: [(key: Value, value: Value)]? {
      switch node.content {
      case .dictionary, .object:
        let pairs = node.pairs
        return stride(from: 0, to: pairs.count, by: 2).map { (value(pairs[$0]), value(pairs[$0 + 1])) }
      default: return nil
      }
    }

    /// The value of a textual key; the last one, where it stands twice.
    package subscript(key: String) -> Value? { entries?.last { $0.key.text == key }?.value }

    /// The class or function of an object, what it was called with, and the state that it was given after.
    package var object: (constructor: String, arguments: [Value], state: Value?)? {
      guard case .object(let constructor, let arguments) = node.content else { return nil }
      return (constructor, arguments.map(value), node.state.map(value))
    }

    /// A class or function that stands for itself.
    package var name: String? { if case .global(let name) = node.content { name } else { nil } }

    /// What a persistent id is made of: where PyTorch keeps a tensor's bytes.
    package var persistentID: Value? { if case .persistent(let id) = node.content { value(id) } else { nil } }
  }
}

private final class PickleContents: Sendable {
  let data: Data
  let nodes: [PickleNode]

  init(data: Data, nodes: [PickleNode]) { (self.data, self.nodes) = (data, nodes) }
}
