// A method as a person names it, with settings as on a command line.

import Foundation
import Kindred

/// A method of the catalogue with some of its settings chosen.
package struct MethodByName {
  package let method: any Method
  /// Whether its layers were chosen.
  package let hasLayers: Bool

  /// - Parameters:
  ///   - name: the method's, such as `sp`.
  ///   - settings: each as `KEY=VALUE`, the value in YAML.
  /// - Throws: `RunError` with the nearest name where there is no such method; `ConfigurationError` for the first mistake in
  ///   a setting.
  package init(_ name: String, settings: [String]) throws {
    guard let type = Methods.named(name) else {
      let names = Methods.all.map { $0.card.name }
      let advice = Spelling.advice(for: name, among: names, else: "there are \(names.joined(separator: ", "))")
      throw RunError("there is no method '\(name)'; \(advice)")
    }
    let folder = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    var tree = YAMLNode(content: .map([]), place: .init(name: "--set", folder: folder))
    try Overrides(settings).apply(to: &tree)
    let reader = try YAMLReader(tree)
    method = try MethodByName.read(type, reader)
    try reader.finish()
    hasLayers = reader.keys.contains("layers")
  }

  private static func read<M: Method>(_ type: M.Type, _ reader: YAMLReader) throws -> any Method {
    var method = M()
    try reader.read(M.settings, into: &method)
    return method
  }
}
