// Which images a folder, a list or an archive has: names, classes and order, and what is refused. Nothing is decoded.

import Foundation
import TestSupport
import Testing

@testable import KindredVision

@Suite struct ListedImagesTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func make(_ paths: String...) throws { for path in paths { try folder.write(Array(path.utf8), to: path) } }

  private func listed(_ path: String) throws -> ListedImages {
    try ListedImages(folder.url.appendingPathComponent(path))
  }

  private func refusal(_ path: String) throws -> String { try dataErrorMessage { _ = try listed(path) } }

  @Test func classesAreFoldersByCodePoints() throws {
    try make(
      "set/dog/2.JPG", "set/dog/deep/1.png", "set/Zebra/a.webp", "set/10/a.jpeg", "set/9/a.jpg", "set/жук/ä.jpg",
      "set/dog/.hidden.jpg", "set/dog/notes.txt", "set/readme.txt", "set/.cache/a.jpg")
    // A folder that leads back to one it lies in.
    try FileManager.default.createSymbolicLink(
      at: folder.url.appendingPathComponent("set/dog/deep/loop"),
      withDestinationURL: folder.url.appendingPathComponent("set/dog"))
    let images = try listed("set")
    #expect(images.classNames == ["10", "9", "Zebra", "dog", "жук"], "as Python sorts names")
    #expect(
      images.places.map(\.path) == [
        "10/a.jpeg", "9/a.jpg", "Zebra/a.webp", "dog/2.JPG", "dog/deep/1.png", "жук/ä.jpg",
      ])
    #expect(images.labels == [0, 1, 2, 3, 3, 4])
    #expect(try String(decoding: images.bytes(at: 3), as: UTF8.self) == "set/dog/2.JPG")
  }

  @Test func aFolderWithoutClassesHasNoLabels() throws {
    try make("set/b.jpg", "set/a.png")
    let images = try listed("set")
    #expect(images.classNames.isEmpty && images.labels == [-1, -1])
    #expect(images.places.map(\.path) == ["a.png", "b.jpg"])
  }

  @Test func whatIsNoSetIsALine() throws {
    try make("mixed/a/1.jpg", "mixed/2.jpg", "hollow/a/1.jpg", "hollow/b/notes.txt", "other/notes.txt")
    #expect(
      try refusal("mixed").hasSuffix(
        "mixed: has class folders and images beside them, such as 2.jpg; move these into a class"))
    #expect(try refusal("hollow").contains("hollow/b: a class without images"))
    #expect(try refusal("other").contains("has no images"))
    #expect(try refusal("nowhere").contains("there is no folder, list or archive of images"))
  }

  @Test func listsNameFilesAndClasses() throws {
    try make("data/x/1.jpg", "data/2.jpg")
    try folder.write(Array("x/1.jpg\tdog\r\n2.jpg\tcat\n".utf8), to: "data/train.tsv")
    let images = try listed("data/train.tsv")
    #expect(images.classNames == ["cat", "dog"] && images.labels == [1, 0])
    #expect(try String(decoding: images.bytes(at: 1), as: UTF8.self) == "data/2.jpg")
    for (text, problem) in [
      ("2.jpg\tcat\nx/1.jpg\n", "line 2 is not 'path<tab>class'"), ("2.jpg\t\n", "line 1 is not 'path<tab>class'"),
      ("2.jpg\ta\tb\n", "line 1 is not"), ("3.jpg\tcat\n", "data/3.jpg: cannot be read"), ("\n", "has no images"),
    ] {
      try folder.write(Array(text.utf8), to: "data/wrong.tsv")
      #expect(try refusal("data/wrong.tsv").contains(problem))
    }
  }

  @Test func whatIsHeldOutStaysSoWhenImagesAreAdded() throws {
    for index in 0..<400 { try make("set/\(index % 2)/\(index).jpg") }
    let (kept, out) = try listed("set").holdingOut(0.25)
    #expect(kept.count + out.count == 400 && (70...130).contains(out.count))
    for index in 400..<500 { try make("set/\(index % 2)/\(index).jpg") }
    let later = try listed("set").holdingOut(0.25)
    let (before, after) = (Set(out.places.map(\.path)), Set(later.heldOut.places.map(\.path)))
    #expect(before.isSubset(of: after) && Set(kept.places.map(\.path)).isDisjoint(with: after))
    #expect(try listed("set").holdingOut(0).heldOut.count == 0)
    // Four quarters are all of it, each once.
    let quarters = try (1...4).map { try listed("set").holdingOut(0.25, split: $0).heldOut.places.map(\.path) }
    #expect(quarters.joined().sorted() == (try listed("set").places.map(\.path).sorted()))
  }

  @Test func testImagesHaveTheTrainingClasses() throws {
    try make("set/c/1.jpg", "set/a/1.jpg")
    let images = try listed("set").labelled(as: ["a", "b", "c"])
    #expect(images.labels == [0, 2] && images.classNames == ["a", "b", "c"])
    let message = try dataErrorMessage { _ = try listed("set").labelled(as: ["a", "b"]) }
    #expect(message.contains("a class 'c', which is none of the 2"))
  }
}

@Suite struct TarImagesTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func tar(_ name: String, _ format: String, _ files: [String]) throws {
    let process = try Process.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      arguments: [
        "tar", "--format", format, "-cf", folder.url.appendingPathComponent(name).path, "-C", folder.url.path,
      ]
        + files)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  private func listed(_ path: String) throws -> ListedImages {
    try ListedImages(folder.url.appendingPathComponent(path))
  }

  /// As the system's tar writes them; names of more than 100 bytes have another form in each.
  @Test(arguments: ["ustar", "gnu", "pax"])
  func samplesAreNeighboursOfOneKey(format: String) throws {
    let long = String(repeating: "folder/", count: 16) + "0003"
    let contents = [
      "0001.jpg": "one", "0001.cls": "10\n", "0001.txt": "a caption", "0002.seg.png": "", "0002.png": "two",
      "0002.json": "{\"label\": 2}", "\(long).jpg": "three", "\(long).cls": "9",
    ]
    for (path, text) in contents { try folder.write(Array(text.utf8), to: path) }
    let names = ["0001.cls", "0001.jpg", "0001.txt", "0002.json", "0002.png", "\(long).cls", "\(long).jpg"]
    try tar("shard-00.tar", format, names)
    let images = try listed("shard-00.tar")
    #expect(images.places.map(\.path) == ["0001.jpg", "0002.png", "\(long).jpg"])
    #expect(images.classNames == ["2", "9", "10"] && images.labels == [2, 0, 1], "labels by their value")
    #expect(try (0..<3).map { String(decoding: try images.bytes(at: $0), as: UTF8.self) } == ["one", "two", "three"])
    #expect(images.shardSizes == [3])

    try tar("shard-01.tar", format, ["0001.jpg", "0001.cls"])
    let both = try listed("shard-{00..01}.tar")
    #expect(both.count == 4 && both.shardSizes == [3, 1])
    #expect(try dataErrorMessage { _ = try listed("shard-{00..02}.tar") }.contains("shard-02.tar"))
  }

  @Test func damageIsALine() throws {
    try folder.write(noiseBytes(3000), to: "0001.jpg")
    try folder.write(Array("5".utf8), to: "0001.cls")
    try folder.write(Array("6".utf8), to: "0002.cls")
    try tar("whole.tar", "gnu", ["0001.jpg", "0001.cls"])
    let bytes = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent("whole.tar")))
    func message(_ bytes: [UInt8]) throws -> String {
      try folder.write(bytes, to: "damaged.tar")
      return try dataErrorMessage { _ = try listed("damaged.tar") }
    }
    #expect(try message(Array(bytes.prefix(2000))).contains("truncated: it ends within 0001.jpg"))
    #expect(try message([]).contains("has no files, or is cut off"))
    #expect(try message(noiseBytes(2048)).contains("is no tar archive"))
    var flipped = bytes
    flipped[512 + 3072 + 130] ^= 1
    #expect(try message(flipped).contains("the archive is damaged here (at byte 3584)"))
    try tar("orphan.tar", "gnu", ["0002.cls"])
    #expect(try dataErrorMessage { _ = try listed("orphan.tar") }.contains("0002.cls has no image beside it"))
  }
}

@Suite struct WindowedOrderTests {
  @Test func everyImageComesOnceAndArchivesStayTogether() {
    let sizes = [5000, 4500, 6000, 3000]
    let plan = BatchPlan(
      count: 18_500, batchSize: 10, seed: 3, augmentation: .none, dropsLast: false, shardSizes: sizes)
    let order = plan.epoch(1).views.map { Int($0.index) }
    #expect(order.sorted() == Array(0..<18_500))
    #expect(order == plan.epoch(1).views.map { Int($0.index) } && order != plan.epoch(2).views.map { Int($0.index) })
    let starts = [0, 5000, 9500, 15_500, 18_500]
    let shards = order.map { index in starts.lastIndex { $0 <= index } ?? 0 }
    // The first of an archive comes when all before it have come but a window full.
    let firsts = Dictionary(shards.enumerated().map { ($1, $0) }) { first, _ in first }.sorted { $0.value < $1.value }
    var read = 0
    for (shard, first) in firsts {
      #expect(first >= read - 4096)
      read += sizes[shard]
    }
    // And within an archive it is not the archive's own order.
    let own = order.filter { $0 < 5000 }
    #expect(zip(own, own.dropFirst()).count { $0 > $1 } > 1000)
  }
}
