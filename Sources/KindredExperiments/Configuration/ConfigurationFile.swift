/// The files behind a configuration, before their meaning: opening, extending and overriding.

import Files
import Foundation

enum ConfigurationFile {
  /// A configuration is a page of text; anything near this size is some other file.
  private static let largestSize = 1 << 20

  /// A file's settings over those of the file it extends.
  ///
  /// - Parameter users: the files that lead to this one, to notice a circle.
  static func tree(_ file: URL, from users: [URL]) throws -> YAMLNode {
    try extended(own(file, from: users), from: users + [file.standardizedFileURL])
  }

  /// What stands in a file itself.
  static func own(_ file: URL, from users: [URL] = []) throws -> YAMLNode {
    let name = file.displayName
    let file = file.standardizedFileURL
    guard !users.contains(file) else {
      throw ConfigurationError(place: name, message: "the file leads back to itself; break the circle")
    }
    if let problem = problem(opening: file) { throw ConfigurationError(message: problem) }
    let text = try text(of: file, name: name)
    let parsed = try YAMLNode.parse(text, folder: file.deletingLastPathComponent()) { "\(name):\($0)" }
    guard let tree = parsed, !tree.isNull else {
      throw ConfigurationError(place: name, message: "the file is empty; it needs at least data and student")
    }
    return tree
  }

  /// Settings over those of the file that they extend.
  static func extended(_ tree: YAMLNode, from users: [URL]) throws -> YAMLNode {
    guard let base = tree["extends"] else { return tree }
    var own = tree
    own.remove("extends")
    return own.merged(over: try inherited(base, key: "extends", from: users))
  }

  /// The settings of another file that a value names, without what is that file's alone.
  static func inherited(_ base: YAMLNode, key: String, from users: [URL]) throws -> YAMLNode {
    guard case .scalar(let path, _) = base.content, !base.isNull else {
      throw ConfigurationError(place: base.place.name, key: key, message: "expected a configuration file")
    }
    let file = URL(configurationPath: path, from: base.place.folder)
    if let problem = problem(opening: file) {
      throw ConfigurationError(place: base.place.name, key: key, message: problem)
    }
    var inherited = try tree(file, from: users)
    inherited.remove("name")
    inherited.remove("content")
    return inherited
  }

  /// Applies a setting over a file's, such as `training.epochs=20`.
  /// - Parameters:
  ///   - origin: where it was written, as messages call it.
  ///   - folder: where relative paths start.
  static func apply(_ override: String, to tree: inout YAMLNode, from origin: String, in folder: URL) throws {
    let place = "\(origin) \(override)"
    let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !path.contains("") else {
      throw ConfigurationError(place: place, message: "expected KEY=VALUE, such as training.epochs=20")
    }
    let value = try YAMLNode.parse(String(parts[1]), folder: folder) { _ in place }
    let absent = YAMLNode(content: .scalar("", isPlain: true), place: .init(name: place, folder: folder))
    tree.set(path[...], to: value ?? absent)
  }

  /// Puts settings over those of every run that makes a teacher.
  static func apply(_ overrides: [String], toTeachersOf tree: inout YAMLNode) {
    let key = "teacher"
    guard !overrides.isEmpty, var teacher = tree[key] else { return }
    if case .list(let teachers) = teacher.content {
      teacher.content = .list(teachers.map { $0.overridden(by: overrides) })
    } else {
      teacher = teacher.overridden(by: overrides)
    }
    tree.set([key], to: teacher)
  }

  /// Why a configuration file cannot be opened, or nil when it can.
  static func problem(opening file: URL) -> String? {
    var isFolder: ObjCBool = false
    let path = file.path(percentEncoded: false)
    if !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      return "there is no file \(file.displayName)"
    }
    if isFolder.boolValue { return "\(file.displayName) is a folder; name a YAML file in it" }
    return FileManager.default.isReadableFile(atPath: path) ? nil : "\(file.displayName) may not be read"
  }

  private static func text(of file: URL, name: String) throws -> String {
    do {
      let handle = try FileHandle(forReadingFrom: file)
      let bytes = try handle.read(upToCount: largestSize) ?? Data()
      // JSON is YAML, and an empty file has words of its own.
      if let kind = FileKind(head: bytes), !bytes.isEmpty, kind != .json, kind != .text {
        let remedy = kind.remedy.map { "; \($0)" } ?? ""
        throw ConfigurationError(
          place: name, message: "not a configuration but \(kind.name): expected a page of YAML in UTF-8\(remedy)")
      }
      guard bytes.count < largestSize, let text = String(data: bytes, encoding: .utf8) else {
        throw ConfigurationError(place: name, message: "not a configuration: expected a page of YAML in UTF-8")
      }
      return text
    } catch let error as CocoaError {
      throw ConfigurationError(place: name, message: "cannot be read: \(systemReason(error))")
    }
  }
}

extension YAMLNode {
  /// A teacher with further settings over its configuration's; itself where none makes it.
  fileprivate func overridden(by overrides: [String]) -> YAMLNode {
    let key = "set"
    guard let configuration = self["config"], !configuration.isNull else { return self }
    let known: [YAMLNode] =
      switch self[key]?.content {
      case .list(let items)?: items
      case nil: []
      default: [self[key]].compactMap(\.self)
      }
    let added = overrides.map { YAMLNode(content: .scalar($0, isPlain: false), place: place) }
    var teacher = self
    teacher.set([key], to: YAMLNode(content: .list(known + added), place: place))
    return teacher
  }
}
