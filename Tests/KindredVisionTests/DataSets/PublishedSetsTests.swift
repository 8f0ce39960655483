// Sets as their publishers lay them out, written by other programs (Tests/Golden/make_sets.py): fetched, unpacked, read, and
// damaged.

import Foundation
import GoldenFiles
import TestSupport
import Testing

@testable import KindredVision

/// The bytes of images that keep their pixels, by the script's formula.
private func exact(_ images: some Sequence<Int>, side: Int) -> [UInt8] {
  images.flatMap { r in
    (0..<side).flatMap { y in
      (0..<side).flatMap { x in (0..<3).map { c in UInt8((57 * r + 101 * c + 7 * y + 3 * x) % 256) } }
    }
  }
}

/// Those of a smooth image.
private func smooth(_ r: Int, width: Int, height: Int) -> [UInt8] {
  (0..<height).flatMap { y in
    (0..<width).flatMap { x in (0..<3).map { c in UInt8(min(20 * r + 30 * c + y + x, 255)) } }
  }
}

private func difference(_ one: [UInt8], _ other: [UInt8]) -> Int {
  guard one.count == other.count else { return .max }
  return zip(one, other).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}

/// What a set downloads from a server on this machine, in the folder of sets.
private final class Fetched {
  let folder: TestFolder

  /// - Parameter file: as a reader says, of a golden file.
  init(_ set: String, _ files: [PublishedFile]) throws {
    folder = try TestFolder()
    let bodies = try Dictionary(uniqueKeysWithValues: files.map { ("/\($0.name)", try Self.bytes($0.name)) })
    let server = try LocalServer { request in
      bodies[request.path].map { .file($0, from: request.start) } ?? LocalServer.Reply(status: 404)
    }
    defer { server.stop() }
    let here = files.map { file in
      var file = file
      file.address = server.base.appending(path: file.name)
      return file
    }
    let nowhere = URL(string: "http://127.0.0.1:1/")!
    let download = DataDownload(set, into: folder.url, from: nil, Publication(base: nowhere, files: here))
    let place = folder.url.appendingPathComponent(set, isDirectory: true)
    #expect(try download.run() == .fetched(place))
    #expect(try download.run() == .alreadyThere(place))
    #expect(server.requests.count == files.count)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    let parts = name.split(separator: ".", maxSplits: 1)
    return [UInt8](try Data(contentsOf: Golden.file("sets/\(parts[0])", String(parts[1]))))
  }

  static func md5(_ name: String) throws -> String { Digest.md5.hex(of: try bytes(name)) }
}

@Suite struct PublishedSetsTests {
  @Test func svhn() throws {
    let reader = SVHNReader(trainingImages: 4, testImages: 3)
    let files = try DataSplit.allCases.map { split in
      let name = SVHNReader.fileName(split)
      return PublishedFile(name: name, md5: try Fetched.md5(name))
    }
    let folder = try Fetched("svhn", files).folder
    let (train, test) = (try reader.load(.train, from: folder.url), try reader.load(.test, from: folder.url))
    #expect(train.labels == [1, 0, 5, 9] && train.allPixels == exact(0..<4, side: 32))
    #expect(test.labels == [3, 0, 2] && test.allPixels == exact(4..<7, side: 32))
    // As torchvision leaves them; and as MATLAB may write them: plain, with labels as double.
    let other = try TestFolder()
    try other.write(Fetched.bytes("plain_32x32.mat"), to: "test_32x32.mat")
    let plain = try reader.load(.test, from: other.url)
    #expect(plain.allPixels == test.allPixels && plain.labels == test.labels)
  }

  @Test func stl10() throws {
    let reader = STL10Reader(trainingImages: 3, testImages: 2, unlabelledImages: 2)
    let folder = try Fetched("stl-10", [reader.archive(md5: Fetched.md5("stl10_binary.tar.gz"))]).folder
    let train = try reader.load(.train, from: folder.url)
    #expect(train.labels == [0, 9, 3] && train.allPixels == exact(0..<3, side: 96) && train.classNames[3] == "cat")
    // As torchvision leaves them.
    let test = try reader.load(.test, from: folder.url.appending(path: "stl-10"))
    #expect(test.labels == [1, 8] && test.allPixels == exact(3..<5, side: 96))
    let unlabelled = try reader.load(.unlabeled, from: folder.url)
    #expect(unlabelled.labels == [-1, -1] && unlabelled.allPixels == exact(5..<7, side: 96))

    let labels = try folder.write([1, 11, 4], to: "stl-10/stl10_binary/train_y.bin")
    #expect(
      try dataErrorMessage { _ = try reader.load(.train, from: folder.url) }
        == "\(labels.path): label 11 of record 1 is out of range, 1 to 10 expected (at byte 1)")
  }

  @Test func tinyImageNet() throws {
    let reader = TinyImageNetReader(classes: "n01443537:goldfish n02124075:Egyptian_cat", perClass: 2, testImages: 2)
    let folder = try Fetched("tiny-imagenet", [reader.archive(md5: Fetched.md5("tiny-imagenet-200.zip"))]).folder
    let (train, test) = (try reader.load(.train, from: folder.url), try reader.load(.test, from: folder.url))
    #expect(train.classNames == ["goldfish", "Egyptian cat"] && train.isPacked)
    #expect(train.labels == [0, 0, 1, 1] && test.labels == [1, 0])
    for (image, number) in [(0, 0), (1, 1), (3, 3)] {
      #expect(difference(try train.image(at: image), smooth(number, width: 64, height: 64)) <= 4)
    }
    let grey = try train.image(at: 2)
    let isGrey = stride(from: 0, to: grey.count, by: 3).allSatisfy { place in
      let pixel: [UInt8] = Array(grey[place..<place + 3])
      return Set(pixel).count == 1
    }
    #expect(isGrey)
    for index in 0..<2 { #expect(difference(try test.image(at: index), smooth(4 + index, width: 64, height: 64)) <= 4) }

    let root = "tiny-imagenet/tiny-imagenet-200"
    try folder.write("val_0.JPEG\tn99999999\t0\t0\t1\t1\n", to: "\(root)/val/val_annotations.txt")
    #expect(
      try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
        .hasSuffix("val_annotations.txt: line 1 names no file and class"))
    let image = folder.url.appending(path: "\(root)/train/n02124075/images/n02124075_1.JPEG")
    try Data(contentsOf: image).prefix(300).write(to: image)
    #expect(try dataErrorMessage { _ = try reader.load(.train, from: folder.url) }.contains("n02124075_1.JPEG: "))
    try FileManager.default.removeItem(at: image)
    #expect(
      try dataErrorMessage { _ = try reader.load(.train, from: folder.url) }.contains(
        "tiny-imagenet-200: 3 images of tiny-imagenet, 4 expected; `kindred data get tiny-imagenet` fetches it"))
  }

  @Test func describableTextures() throws {
    func reader(_ split: Int) -> DescribableTexturesReader {
      DescribableTexturesReader(split: split, classNames: ["banded", "zigzagged"], perClass: 1)
    }
    let folder = try Fetched("dtd", [reader(1).archive(md5: Fetched.md5("dtd-r1.0.1.tar.gz"))]).folder
    let (train, test) = (try reader(1).load(.train, from: folder.url), try reader(1).load(.test, from: folder.url))
    #expect(train.labels == [0, 1, 0, 1] && test.labels == [0, 1] && train.shape == [3, 224, 224])
    #expect(train.evaluatedSide == 256 && train.channelMean == ImageStatistics.imageNet.mean)
    // Training images before validation images; the whole image before it is cut.
    for (index, number) in [0, 3, 1, 4].enumerated() {
      let image = try train.withPixels(at: index) { (size: [$0.width, $0.height], bytes: Array($0.bytes)) }
      #expect(image.size == [340, 300 + 8 * number])
      #expect(difference(image.bytes, smooth(number, width: 340, height: 300 + 8 * number)) <= 4)
    }
    // Another split has the same images in other parts.
    let second = try reader(2).load(.test, from: folder.url)
    #expect(try second.image(at: 0) == train.image(at: 0) && second.fingerprint != test.fingerprint)
    let small = train.seen(side: 96, evaluatedSide: train.usualEvaluatedSide(96))
    #expect(small.evaluatedSide == OwnImages.usualEvaluatedSide(96) && small.fingerprint != train.fingerprint)
    #expect(try small.image(at: 0).count == 3 * 96 * 96)

    try folder.write("banded/../zigzagged/zigzagged_0000.jpg\n", to: "dtd/dtd/labels/test1.txt")
    #expect(
      try dataErrorMessage { _ = try reader(1).load(.test, from: folder.url) }
        .hasSuffix("labels/test1.txt: line 1 is not CLASS/FILE with one of the 2 classes"))
  }

  @Test func cinic10() throws {
    let reader = CINIC10Reader(perClass: 1)
    let folder = try Fetched("cinic-10", [reader.archive(md5: Fetched.md5("CINIC-10.tar.gz"))]).folder
    let (train, test) = (try reader.load(.train, from: folder.url), try reader.load(.test, from: folder.url))
    #expect(train.labels == Array(0..<10) && train.allPixels == exact(0..<10, side: 32) && train.isPacked)
    #expect(test.labels == Array(0..<10) && test.allPixels == exact(20..<30, side: 32))
    let both = try CINIC10Reader(withValidation: true, perClass: 1).load(.train, from: folder.url)
    #expect(both.allPixels == exact(0..<20, side: 32) && both.labels == Array(0..<10) + Array(0..<10))

    let root = folder.url.appending(path: "cinic-10/CINIC-10")
    let small = PixelImage(width: 4, height: 3, channels: 3, bytes: noiseBytes(36))
    try folder.write([UInt8](small.png()), to: "cinic-10/CINIC-10/train/cat/n03_0.png")
    #expect(
      try dataErrorMessage { _ = try reader.load(.train, from: folder.url) }
        .hasSuffix("train/cat/n03_0.png: 4 x 3 pixels, 32 x 32 expected"))
    try FileManager.default.moveItem(at: root.appending(path: "train/cat"), to: root.appending(path: "train/lion"))
    #expect(
      try dataErrorMessage { _ = try reader.load(.train, from: folder.url) }.contains(
        "CINIC-10: lacks the class 'cat'; `kindred data get cinic-10` fetches it"))
    let nowhere = try TestFolder()
    #expect(
      try dataErrorMessage { _ = try reader.load(.test, from: nowhere.url) }
        .hasPrefix("cinic-10: no test in \(nowhere.url.path)/cinic-10, "))
  }

  /// An archive that is none, and one that cannot be unpacked for its bytes.
  @Test func aDamagedArchiveIsALine() throws {
    let folder = try TestFolder()
    let bytes = Array(try Fetched.bytes("tiny-imagenet-200.zip").prefix(2000))
    let server = try LocalServer { .file(bytes, from: $0.start) }
    defer { server.stop() }
    let file = TinyImageNetReader(perClass: 2, testImages: 2).archive(md5: Digest.md5.hex(of: bytes))
    let download = DataDownload(
      "tiny-imagenet", into: folder.url, from: nil, Publication(base: server.base, files: [file]))
    let message = try dataErrorMessage { _ = try download.run() }
    #expect(message.contains("tiny-imagenet-200.zip: cannot be unpacked: "), "\(message)")
  }

  /// What they say before they are loaded, and that every choice can be made.
  @Test func theCatalogueKnowsThem() throws {
    let sets: [(DataSet, classes: Int, train: Int, test: Int, shape: [Int])] = [
      (.svhn, 10, 73_257, 26_032, [3, 32, 32]), (.stl10, 10, 5_000, 8_000, [3, 96, 96]),
      (.tinyImageNet, 200, 100_000, 10_000, [3, 64, 64]), (.describableTextures, 47, 3_760, 1_880, [3, 224, 224]),
      (.cinic10, 10, 90_000, 90_000, [3, 32, 32]), (.cinic10(withValidation: true), 10, 180_000, 90_000, [3, 32, 32]),
    ]
    for (set, classes, train, test, shape) in sets {
      #expect(set.classNames.count == classes && Set(set.classNames).count == classes)
      #expect(set.imageCount(.train) == train && set.imageCount(.test) == test && set.inputShape == shape)
      #expect(DataSets.named(set.name)?.name == set.name)
    }
    #expect(DataSet.tinyImageNet.classNames[0] == "goldfish" && DataSet.tinyImageNet.classNames[199] == "acorn")
    #expect(DataSet.describableTextures.classNames == DataSet.describableTextures.classNames.sorted())
    #expect(Set(DataSets.choices.map(\.key)).count == DataSets.choices.count, "a key belongs to one set")
    let second = try #require(DataSet.describableTextures.splits?.choosing(2))
    #expect(second != .describableTextures && second == .describableTextures(split: 2))
    #expect(second.identity == "dtd, split 2" && DataSet.mnist.identity == "mnist")
  }
}

/// MATLAB's files, right but for one thing.
@Suite struct MATLABFileTests {
  private let folder: TestFolder
  private let whole: [UInt8]
  private let plain: [UInt8]

  init() throws {
    folder = try TestFolder()
    whole = try Fetched.bytes("test_32x32.mat")
    plain = try Fetched.bytes("plain_32x32.mat")
  }

  private func message(_ bytes: [UInt8], images: Int = 3) throws -> String {
    let file = try folder.write(bytes, to: "test_32x32.mat")
    let message = try dataErrorMessage {
      _ = try SVHNReader(trainingImages: 1, testImages: images).load(.test, from: folder.url)
    }
    #expect(message.hasPrefix("\(file.path): "))
    return String(message.dropFirst(file.path.count + 2))
  }

  @Test func whatIsWrongIsNamed() throws {
    #expect(try message(whole, images: 4) == "'X' is 32 x 32 x 3 x 3, 32 x 32 x 3 x 4 expected (at byte 128)")
    #expect(try message(Array("<html>".utf8)).contains("is a web page (HTML)"))
    #expect(try message(noiseBytes(500)) == "is no MATLAB file of version 5 (at byte 0)")
    #expect(try message(Array(whole.prefix(128))) == "has no variable 'X', or is cut off before it (at byte 128)")
    for length in stride(from: 129, to: whole.count, by: 61) {
      #expect(try message(Array(whole.prefix(length))).contains("truncated"), "\(length)")
    }
    var other = whole
    (other[126], other[127]) = (other[127], other[126])
    #expect(try message(other) == "is a MATLAB file of another version, or big-endian (at byte 124)")
    // A length of 4 GiB.
    other = whole
    other.replaceSubrange(132..<136, with: [255, 255, 255, 255])
    #expect(try message(other).hasPrefix("truncated: it ends within a variable of 4294967295 bytes"))
    #expect(try message(whole + whole[128...]) == "a variable 'X' that is not expected (at byte \(whole.count))")
  }

  /// In the file that is not compressed every byte of the heads can be changed alone.
  @Test func headsAreHeldAgainstTheBytes() throws {
    // The first variable: its tag at 128, flags, dimensions at 152, name, numbers.
    let changes: [(at: Int, to: [UInt8], says: String)] = [
      (128, [7], "no variable where one begins (at byte 128)"),
      (144, [4], "a variable that is no array of real numbers (at byte 128)"),
      (145, [8], "a variable that is no array of real numbers (at byte 128)"),
      (156, [0, 0, 0, 128], "a variable that is cut off (at byte 128)"),
      (160, [255, 255, 255, 255], "'X' is -1 x 32 x 3 x 3, 32 x 32 x 3 x 3 expected (at byte 128)"),
      (180, [UInt8(ascii: "Z")], "a variable 'Z' that is not expected (at byte 128)"),
      (184, [1], "'X' is not of bytes (at byte 128)"),
      (188, [0, 1, 0, 0], "'X' has 256 bytes, 9216 expected (at byte 128)"),
    ]
    for change in changes {
      var bytes = plain
      bytes.replaceSubrange(change.at..<change.at + change.to.count, with: change.to)
      #expect(try message(bytes) == change.says)
    }
    // The labels are the last three numbers of eight bytes: 3, 10 and 2.
    var bytes = plain
    bytes.replaceSubrange(bytes.count - 8..<bytes.count, with: [0, 0, 0, 0, 0, 0, 0x26, 0x40])
    #expect(try message(bytes) == "label 2 is 11, 1 to 10 expected")
    bytes[bytes.count - 1] = 0x3f
    #expect(try message(bytes) == "label 2 is no whole number, 1 to 10 expected")
  }

  /// A compressed variable that never ends is given up at what is expected.
  @Test func bombsAreStopped() throws {
    let packed = try gzip([UInt8](repeating: 0, count: 20_000_000), in: folder)
    // zlib's own head and no checksum, which is not reached.
    let stream: [UInt8] = [0x78, 0x9c] + packed[10..<packed.count - 8]
    let size = withUnsafeBytes(of: UInt32(stream.count).littleEndian) { Array($0) }
    let bytes = Array(whole.prefix(128)) + [15, 0, 0, 0] + size + stream
    #expect(try message(bytes).contains("holds more than the 9728 bytes expected"))
  }
}
