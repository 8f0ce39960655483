// Settings over those of a file, as the command line has them.

import Foundation

/// Settings over a file's, as `training.epochs=20`: a path of keys and a value in YAML.
package struct Overrides: Sendable, Equatable, ExpressibleByArrayLiteral {
  /// For the configuration itself.
  package var own: [String]
  /// For the runs that make its teachers, and the teachers before these.
  package var teachers: [String]
  /// What a message calls the place where its own were written.
  private let origin: String
  /// Where relative paths start.
  private let folder: URL

  /// - Parameters:
  ///   - own: for the configuration itself; relative paths in them start at the current folder.
  ///   - teachers: for the runs that make its teachers; relative paths in them start at these runs' files.
  package init(_ own: [String], teachers: [String] = []) {
    let current = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    self.init(own, teachers: teachers, from: "--set", folder: current)
  }

  package init(arrayLiteral elements: String...) { self.init(elements) }

  /// - Parameters:
  ///   - origin: what a message calls the place where `own` were written.
  ///   - folder: where relative paths in them start.
  init(_ own: [String], teachers: [String], from origin: String, folder: URL) {
    (self.own, self.teachers, self.origin, self.folder) = (own, teachers, origin, folder)
  }

  /// What reaches a teacher whose file lies in a folder.
  func ofTeachers(in folder: URL) -> Overrides {
    Overrides(teachers, teachers: teachers, from: "--teacher-set", folder: folder)
  }

  package var isEmpty: Bool { own.isEmpty && teachers.isEmpty }

  func apply(to tree: inout YAMLNode) throws {
    for override in own { try ConfigurationFile.apply(override, to: &tree, from: origin, in: folder) }
    ConfigurationFile.apply(teachers, toTeachersOf: &tree)
  }

  /// Refuses settings for teachers where no configuration makes one.
  func requireTeacher(in all: [Configuration]) throws {
    guard let first = teachers.first else { return }
    let teachers = all.flatMap { $0.teacher?.all ?? [] }
    guard !teachers.contains(where: { if case .configuration = $0.source { true } else { false } }) else { return }
    throw ConfigurationError(
      place: "--teacher-set \(first)", message: "no configuration makes a teacher here (teacher.config); take it out")
  }
}
