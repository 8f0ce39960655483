/// A YAML document as a tree in which every value remembers where it was written.
///
/// Settings come from a file, from the file it extends and from the command line. Each keeps its own place for error
/// messages and its own folder for relative paths, which Yams' nodes cannot hold once they are merged.

import Foundation
import Yams

struct YAMLNode {
  /// Where a value was written: what to call it in a message, and the folder its relative paths start from.
  struct Place {
    let name: String
    let folder: URL
  }

  enum Content {
    /// A word or number; plain when it stood without quotes.
    case scalar(String, isPlain: Bool)
    case list([YAMLNode])
    case map([Entry])
  }

  struct Entry {
    let key: String
    var value: YAMLNode
  }

  var content: Content
  var place: Place
}

// MARK: - Parsing

extension YAMLNode {
  /// The single document in a text, or nil when the text has none.
  ///
  /// - Parameters:
  ///   - folder: where relative paths in the text start.
  ///   - place: what to call a line of the text in messages.
  static func parse(_ text: String, folder: URL, place: (_ line: Int) -> String) throws -> YAMLNode? {
    if let line = YAMLAliases.lineBeyondMost(in: text) {
      let problem = "more than \(YAMLAliases.most) aliases can stand for more than \(largestCount) values; use fewer"
      throw ConfigurationError(place: place(line), message: problem)
    }
    do {
      var room = largestCount
      return try compose(yaml: text).map { try YAMLNode($0, folder: folder, place: place, room: &room) }
    } catch let error as YamlError {
      let (line, problem) = explain(error, in: text)
      throw ConfigurationError(place: place(line), message: problem)
    }
  }

  /// A configuration has some dozens of values. Aliases of aliases can stand for billions in a line.
  private static let largestCount = 10_000

  /// - Parameter room: how many values there may still be.
  private init(_ node: Node, folder: URL, place: (_ line: Int) -> String, room: inout Int) throws {
    func placed(_ node: Node) -> Place { Place(name: place(node.mark?.line ?? 1), folder: folder) }
    self.place = placed(node)
    room -= 1
    guard room > 0 else {
      throw ConfigurationError(place: self.place.name, message: "more than \(YAMLNode.largestCount) values; use fewer")
    }
    switch node {
    case .scalar(let scalar):
      content = .scalar(scalar.string, isPlain: scalar.style == .plain || scalar.style == .any)
    case .sequence(let sequence):
      content = .list(try sequence.map { try YAMLNode($0, folder: folder, place: place, room: &room) })
    case .mapping(let mapping):
      var (own, merged): ([Entry], [Entry]) = ([], [])
      for (key, value) in mapping {
        guard let word = key.scalar else {
          throw ConfigurationError(place: placed(key).name, message: "a key must be a single word")
        }
        var node = try YAMLNode(value, folder: folder, place: place, room: &room)
        if word.string == "<<", word.style == .plain {
          merged = try node.merges(at: placed(key))
        } else {
          node.place = placed(key)
          own.append(Entry(key: word.string, value: node))
        }
      }
      content = .map(own + merged.filter { entry in !own.contains { $0.key == entry.key } })
    case .alias(let alias):
      throw ConfigurationError(place: placed(node).name, message: "'*\(alias.anchor.rawValue)' stands for nothing")
    }
  }

  /// What a merge key takes over: the entries of a section, or of a list of them, of which an earlier one wins.
  private func merges(at place: Place) throws -> [Entry] {
    let sections = if case .list(let items) = content { items } else { [self] }
    return try sections.reduce(into: []) { merged, section in
      guard let entries = section.entries else {
        throw ConfigurationError(
          place: place.name, message: "'<<' merges sections of keys; name one, such as *base, or a list of them")
      }
      merged += entries.filter { entry in !merged.contains { $0.key == entry.key } }
    }
  }

  private static func explain(_ error: YamlError, in text: String) -> (line: Int, problem: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      if mark.line >= 1, mark.line <= lines.count,
        lines[mark.line - 1].prefix(while: { $0.isWhitespace }).contains("\t")
      {
        return (mark.line, "not valid YAML: the line begins with a tab; indent with spaces")
      }
      let detail = [context?.text, problem].compactMap(\.self).joined(separator: ": ")
      return (mark.line, "not valid YAML: \(detail)")
    case .duplicatedKeysInMapping(let keys, let context):
      return (context.mark.line, "\(keys.map { "'\($0)'" }.joined(separator: ", ")): the key is given twice; keep one")
    case .reader(let problem, let offset, _, _):
      let line = text.prefix(offset ?? 0).count(where: \.isNewline) + 1
      return (line, "not valid YAML: \(problem)")
    default:
      return (1, "not valid YAML: \(error)")
    }
  }
}

// MARK: - Looking and merging

extension YAMLNode {
  /// Nothing written, `null` or `~`.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  var entries: [Entry]? {
    guard case .map(let entries) = content else { return nil }
    return entries
  }

  subscript(key: String) -> YAMLNode? {
    entries?.first { $0.key == key }?.value
  }

  mutating func remove(_ key: String) {
    guard let entries else { return }
    content = .map(entries.filter { $0.key != key })
  }

  /// The place of the value at a path of keys, or of the nearest section around it that exists.
  func place(of path: [String]) -> Place {
    guard let key = path.first, let child = self[key] else { return place }
    return child.place(of: Array(path.dropFirst()))
  }

  /// These settings over others: sections are merged key by key, everything else is replaced, and a null takes the
  /// other's key away.
  func merged(over base: YAMLNode) -> YAMLNode {
    guard let entries, var merged = base.entries else { return self }
    for entry in entries {
      guard let index = merged.firstIndex(where: { $0.key == entry.key }) else {
        merged.append(entry)
        continue
      }
      if entry.value.isNull {
        merged.remove(at: index)
      } else {
        merged[index].value = entry.value.merged(over: merged[index].value)
      }
    }
    return YAMLNode(content: .map(merged), place: place)
  }

  /// Replaces the value at a path of keys, making the sections on the way; a null takes the key away.
  mutating func set(_ path: ArraySlice<String>, to value: YAMLNode) {
    guard let key = path.first else {
      self = value
      return
    }
    var entries = self.entries ?? []
    let index = entries.firstIndex { $0.key == key }
    if let index, path.count == 1, value.isNull {
      entries.remove(at: index)
    } else if let index {
      entries[index].value.set(path.dropFirst(), to: value)
    } else {
      var child = YAMLNode(content: .map([]), place: value.place)
      child.set(path.dropFirst(), to: value)
      entries.append(Entry(key: key, value: child))
    }
    content = .map(entries)
  }
}
