// Downloads from a server on this machine that cuts, refuses, and lies.

import Foundation
import TestSupport
import Testing

@testable import KindredVision

@Suite(.timeLimit(.minutes(10))) struct DataDownloadTests {
  private let folder: TestFolder
  private let content = noiseBytes(300_000)
  private let target = "mnist/file.gz"
  private let partial = "mnist/file.gz.partial"

  init() throws { folder = try TestFolder() }

  /// A set of one file whose published sum is that of `bytes`.
  private func download(_ bytes: [UInt8], from server: LocalServer, patience: Int = 30) throws -> DataDownload {
    let sum = try Digest.md5.hex(of: folder.write(bytes, to: "published"))
    let files = [PublishedFile(name: "file.gz", md5: sum)]
    return DataDownload("mnist", into: folder.url, from: nil, offering(files, at: server), patience: patience)
  }

  private func offering(_ files: [PublishedFile], at server: LocalServer) -> Publication {
    Publication(base: server.base, files: files, isInAnotherLayout: { _ in false })
  }

  @Test func sumIsMD5() throws {
    #expect(try Digest.md5.hex(of: folder.write(Array("abc".utf8), to: "abc")) == "900150983cd24fb0d6963f7d28e17f72")
  }

  @Test func freshDownloadArrivesWithProgress() throws {
    let server = try LocalServer { [content] in .file(content, from: $0.start) }
    defer { server.stop() }
    let steps = Steps()
    let outcome = try download(content, from: server).run { steps.add($0) }
    #expect(outcome == .fetched(folder.url.appendingPathComponent("mnist", isDirectory: true)))
    #expect(folder.holds(content, at: target))
    #expect(!folder.has(partial))
    #expect(steps.all.last == DownloadProgress(file: "file.gz", received: 300_000, total: 300_000))
    #expect(steps.all.map(\.received) == steps.all.map(\.received).sorted())
    #expect(server.requests == [.init(path: "/file.gz", start: nil)])
  }

  @Test func whatIsThereAndRightIsLeftAlone() throws {
    let server = try LocalServer { [content] in .file(content, from: $0.start) }
    defer { server.stop() }
    let download = try download(content, from: server)
    try folder.write(content, to: target)
    #expect(try download.run() == .alreadyThere(folder.url.appendingPathComponent("mnist", isDirectory: true)))
    #expect(server.requests.isEmpty)
    try folder.write([1, 2, 3], to: target)
    #expect(try download.run() == .fetched(folder.url.appendingPathComponent("mnist", isDirectory: true)))
    #expect(folder.holds(content, at: target))
  }

  /// As torchvision or the authors' other archive left it, a set is not fetched again; half of it is.
  @Test func otherLayoutsAreThereToo() throws {
    let server = try LocalServer { _ in .file([1], from: nil) }
    defer { server.stop() }
    let batches = (1...5).map { "cifar-10-batches-py/data_batch_\($0)" } + ["cifar-10-batches-py/test_batch"]
    let files = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]
    let sizes = [47_040_016, 60_008, 7_840_016, 10_008]
    let cases: [(DataSet, [(path: String, size: Int)])] = [
      (.cifar10, batches.map { ($0, 31_000_000) }),
      (.fashionMNIST, zip(files, sizes).map { ("FashionMNIST/raw/\($0)-ubyte", $1) }),
    ]
    for (name, files) in cases {
      let download = DataDownload(name, into: folder.url, from: server.base)
      for file in files {
        #expect(throws: DataError.self) { try download.run() }
        // A file of holes: it has its size and takes no space.
        let handle = try FileHandle(forWritingTo: try folder.write([], to: file.path))
        try handle.truncate(atOffset: UInt64(file.size))
        try handle.close()
      }
      let asked = server.requests.count
      #expect(try download.run() == .alreadyThere(folder.url.appendingPathComponent(name.name, isDirectory: true)))
      #expect(server.requests.count == asked)
    }
  }

  @Test func cutConnectionIsResumed() throws {
    let server = try LocalServer { [content] request in
      .file(content, from: request.start, cutAfter: request.start == nil ? 100_000 : nil)
    }
    defer { server.stop() }
    let download = try download(content, from: server)
    let message = try dataErrorMessage { _ = try download.run() }
    #expect(message.contains("100000 of 300000 bytes received; run the command again to go on from there"))
    #expect(!folder.has(target))
    #expect(folder.holds(Array(content[..<100_000]), at: partial))
    let steps = Steps()
    #expect(
      try download.run { steps.add($0) } == .fetched(folder.url.appendingPathComponent("mnist", isDirectory: true)))
    #expect(folder.holds(content, at: target))
    #expect(steps.all.first == DownloadProgress(file: "file.gz", received: 100_000, total: 300_000))
    #expect(server.requests.map(\.start) == [nil, 100_000])
  }

  @Test func serverWithoutRangesStartsAgain() throws {
    let server = try LocalServer { [content] _ in .file(content, from: nil) }
    defer { server.stop() }
    try folder.write([9, 9, 9], to: partial)
    _ = try download(content, from: server).run()
    #expect(folder.holds(content, at: target))
    #expect(server.requests.map(\.start) == [3])
  }

  @Test(arguments: [300_000, 300_001])
  func refusedRangeMeansCompleteOrStartsAgain(held: Int) throws {
    let server = try LocalServer { [content] in .file(content, from: $0.start) }
    defer { server.stop() }
    try folder.write(content + [UInt8](repeating: 0, count: held - content.count), to: partial)
    _ = try download(content, from: server).run()
    #expect(folder.holds(content, at: target))
    #expect(server.requests.map(\.start) == (held == content.count ? [held] : [held, nil]))
  }

  @Test func wrongChecksumIsRefusedAndDeleted() throws {
    let server = try LocalServer { [content] in .file(content, from: $0.start) }
    defer { server.stop() }
    let message = try dataErrorMessage { _ = try download([1, 2, 3], from: server).run() }
    #expect(message.contains("file.gz: wrong checksum, MD5 "))
    #expect(message.contains("5289df737df57326fcdd22597afb1fac"), "the sum of the bytes 1 2 3")
    #expect(!folder.has(target) && !folder.has(partial))
  }

  @Test(arguments: [(404, "404 (not found)"), (403, "403 (not allowed)"), (503, "503 (its own failure, try later)")])
  func refusalsAreNamed(status: Int, says: String) throws {
    let server = try LocalServer { _ in LocalServer.Reply(status: status, body: Array("<html>".utf8)) }
    defer { server.stop() }
    let begun = Array(content[..<100])
    let download = try download(content, from: server)
    try folder.write(begun, to: partial)
    let message = try dataErrorMessage { _ = try download.run() }
    #expect(message == "\(server.base)file.gz: the server answered \(says)")
    #expect(!folder.has(target))
    // What is gone for good leaves nothing.
    if status == 404 { #expect(!folder.has("mnist")) } else { #expect(folder.holds(begun, at: partial)) }
  }

  @Test func nobodyThereIsSaid() throws {
    let server = try LocalServer { _ in LocalServer.Reply() }
    server.stop()
    let message = try dataErrorMessage { _ = try download(content, from: server).run() }
    #expect(message.hasPrefix("\(server.base)file.gz: "))
    #expect(message.contains(" 0 bytes received"))
    #expect(!folder.has("mnist"), "nothing came, nothing stays")
  }

  @Test(arguments: [0, 100_000])
  func aServerThatFallsSilentIsGivenUp(after bytes: Int) throws {
    let server = try LocalServer { [content] _ in LocalServer.Reply(body: content, cutAfter: bytes, stalls: true) }
    defer { server.stop() }
    let message = try dataErrorMessage { _ = try download(content, from: server, patience: 1).run() }
    let received =
      bytes > 0 ? "100000 of 300000 bytes received; run the command again to go on from there" : "0 bytes received"
    #expect(message == "\(server.base)file.gz: the server sent nothing for 1 s, \(received)")
    #expect(folder.has("mnist") == (bytes > 0))
  }

  /// As some servers call files that are compressed themselves.
  @Test func aCompressedFileArrivesAsItIs() throws {
    let packed = try gzip(content, in: folder)
    let server = try LocalServer { _ in LocalServer.Reply(headers: ["Content-Encoding": "gzip"], body: packed) }
    defer { server.stop() }
    _ = try download(packed, from: server).run()
    #expect(folder.holds(packed, at: target))
  }

  @Test func aServerThatSendsElsewhereIsFollowed() throws {
    let server = try LocalServer { [content] request in
      request.path == "/file.gz"
        ? LocalServer.Reply(status: 302, headers: ["Location": "/there"], body: [1])
        : .file(content, from: request.start)
    }
    defer { server.stop() }
    let download = try download(content, from: server)
    try folder.write(Array(content[..<1000]), to: partial)
    _ = try download.run()
    #expect(folder.holds(content, at: target))
    #expect(server.requests == [.init(path: "/file.gz", start: 1000), .init(path: "/there", start: 1000)])
  }

  @Test func fullDiskIsNamed() throws {
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let server = try LocalServer { [content] in .file(content, from: $0.start) }
    defer { server.stop() }
    let download = try download(content, from: server)
    try folder.write([], to: "mnist/other")
    try FileManager.default.createSymbolicLink(
      atPath: folder.url.appendingPathComponent(partial).path, withDestinationPath: "/dev/full")
    let message = try dataErrorMessage { _ = try download.run() }
    #expect(message.contains("file.gz.partial: cannot be written: No space left on device"))
    #expect(!folder.has(partial))
  }

  @Test func archiveIsUnpackedWhole() throws {
    for (name, size) in [("a.bin", 10), ("b.bin", 2_000)] {
      try folder.write(noiseBytes(size), to: "source/box/\(name)")
    }
    let archive = folder.url.appendingPathComponent("box.tar.gz")
    let tar = try Process.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      arguments: ["tar", "-czf", archive.path, "-C", folder.url.appendingPathComponent("source").path, "box"])
    tar.waitUntilExit()
    let bytes = [UInt8](try Data(contentsOf: archive))
    let server = try LocalServer { .file(bytes, from: $0.start) }
    defer { server.stop() }

    func download(_ sizes: [String: Int]) throws -> DataDownload {
      let file = PublishedFile(
        name: "box.tar.gz", md5: try Digest.md5.hex(of: archive), unpackedFolder: .init(folder: "box", sizes: sizes))
      return DataDownload("cifar-10", into: folder.url, from: nil, offering([file], at: server))
    }
    let wrong = try dataErrorMessage { _ = try download(["a.bin": 11]).run() }
    #expect(wrong.hasSuffix("box.tar.gz: does not hold the files of cifar-10"))
    #expect(!folder.has("cifar-10/box/a.bin"))

    let right = try download(["a.bin": 10, "b.bin": 2_000])
    _ = try right.run()
    #expect(folder.holds(noiseBytes(2_000), at: "cifar-10/box/b.bin"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.appendingPathComponent("cifar-10").path)
    #expect(left == ["box"])
    #expect(try right.run() == .alreadyThere(folder.url.appendingPathComponent("cifar-10", isDirectory: true)))
    #expect(server.requests.count == 1, "the archive that was there already is not fetched again")
  }

  @Test func drawnSetHasNothingToFetch() throws {
    let message = try dataErrorMessage { _ = try DataDownload(.textures, into: folder.url).run() }
    #expect(message.contains("nothing to fetch"))
  }

  @Test func publishedFilesAreThoseTheReadersLookFor() throws {
    for set in DataSets.all where !set.isDrawn {
      let files = try #require(set.publication?.files)
      #expect(files.allSatisfy { $0.md5.count == 32 }, "\(set.name)")
    }
    for set in [DataSet.cifar10, .cifar100] {
      #expect(set.publication?.files.map(\.name) == ["\(set.name)-binary.tar.gz"])
    }
    for set in [DataSet.mnist, .fashionMNIST] {
      let names = set.publication?.files.map(\.name) ?? []
      #expect(names.contains("t10k-labels-idx1-ubyte.gz") && names.count == 4)
    }
  }
}

/// Progress reports, as they came.
private final class Steps {
  private(set) var all: [DownloadProgress] = []

  func add(_ step: DownloadProgress) { all.append(step) }
}
