// The reference in docs/reference is what the code declares, and knows every key that files may have.

import Foundation
import Kindred
import KindredExperiments
import TestSupport
import Testing

@Suite struct ReferenceTests {
  private let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func pagesAreUpToDate() throws {
    let folder = checkout.appending(path: "docs/reference")
    for page in try Reference.pages(experiments: checkout.appending(path: "Experiments")) {
      let committed = try? String(contentsOf: folder.appending(path: page.file), encoding: .utf8)
      #expect(
        committed == page.text,
        "docs/reference/\(page.file) is not what the code declares; run `kindred reference docs/reference`")
    }
  }

  /// The keys that the reader of a section names where one of them is unknown.
  private func known(_ text: String, study: Bool = false) throws -> Set<String> {
    let folder = try TestFolder(["file.yaml": text])
    let file = folder.url.appending(path: "file.yaml")
    let message = folder.mistake { study ? try Study.load(file: file) : try Configuration.load(file: file) as Any }
    let list = try #require(message?.firstMatch(of: /the keys here are (.*)/)).1
    return Set(list.split(separator: ", ").map(String.init))
  }

  @Test func undeclaredKeysAreThoseThatAreRead() throws {
    let stranger = "qqqqqqqqqqqqqqqq: 1"
    let (data, student) = ("data: {set: textures}", "student: {network: resnet-8}")
    #expect(try known("\(data)\n\(student)\n\(stranger)") == Set(UndeclaredKeys.configuration.keys))
    #expect(try known("\(data)\nstudent: {network: resnet-8, \(stranger)}") == Set(UndeclaredKeys.student.keys))
    #expect(
      try known("\(data)\n\(student)\nteacher: {network: resnet-20, weights: w, \(stranger)}")
        == Set(UndeclaredKeys.teacher.keys))
    let methods = Methods.all.map { $0.card.name }
    #expect(try known("\(data)\n\(student)\nlosses: {\(stranger)}") == Set(UndeclaredKeys.losses.keys + methods))
    #expect(
      try known("\(data)\n\(student)\nlosses: {cc: {\(stranger)}}")
        == Set(UndeclaredKeys.term.keys + Configuration.Term.settings.map(\.key)))
    #expect(try known("base: {}\nrows: {a: {}}\n\(stranger)", study: true) == Set(UndeclaredKeys.study.keys))
  }
}
