// What TensorBoard shows of a run: scalars by step, appended to a file as they come.

import Files
import Foundation
import SwiftProtobuf

/// A file of TensorBoard's that grows while a run goes on; a run has one for each of its starts.
///
/// A start says where it goes on from, and TensorBoard then drops what earlier files hold of that step and later ones: steps
/// that a killed run has logged and its next start takes again are shown once. An event is written at once and whole; where
/// a file ends in half of one, TensorBoard passes to the next.
package final class EventFile {
  private let descriptor: Int32

  /// The files of a folder, in the order of the starts.
  package static func all(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.sorted().map { folder.appending(path: $0) }
  }

  private static let prefix = "events.out.tfevents."

  /// Begins the next file of a folder, which is made where there is none.
  /// - Parameter step: the first step that may follow.
  /// - Throws: `SystemError`.
  package init(in folder: URL, from step: Int, at time: Date = .now) throws(SystemError) {
    try Folder.make(folder)
    // TensorBoard reads files in the order of their names.
    let last =
      EventFile.all(in: folder).compactMap { Int($0.lastPathComponent.split(separator: ".").dropFirst(3).first ?? "") }
      .max() ?? 0
    let number = String(last + 1)
    let name = EventFile.prefix + String(repeating: "0", count: max(0, 10 - number.count)) + number + ".kindred"
    descriptor = open(folder.appending(path: name).path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError(errno) }
    try append(at: time) { $0.fileVersion = "brain.Event:2" }
    try append(at: time) {
      $0.step = Int64(step)
      $0.sessionLog = .with { $0.status = .start }
    }
  }

  deinit { close(descriptor) }

  /// Adds scalars of one step.
  /// - Throws: `SystemError`, such as for a full disk.
  package func append(_ scalars: [String: Double], step: Int, at time: Date = .now) throws(SystemError) {
    try append(at: time) { event in
      event.step = Int64(step)
      event.summary.value = scalars.sorted { $0.key < $1.key }.map { tag, value in
        .with { ($0.tag, $0.simpleValue) = (tag, Float(value)) }
      }
    }
  }

  private func append(at time: Date, _ fill: (inout TensorBoardEvent) -> Void) throws(SystemError) {
    var event = TensorBoardEvent()
    event.wallTime = time.timeIntervalSince1970
    fill(&event)
    guard let record = try? event.serializedData() as Data else { preconditionFailure("an event is no message") }
    try AtomicFile.write(RecordFraming.framed(record), to: descriptor)
  }
}
