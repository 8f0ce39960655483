// Images in tar archives in WebDataset's form: `KEY.jpg` beside `KEY.cls` or `KEY.json`.

import Files
import Foundation

/// The shards of a set, and what lies in them.
struct TarReading {
  private let shards: [URL]

  /// The archives that a place names: a file that ends in `.tar`, a folder of such files, or a path with numbers in braces
  /// such as `train-{000..099}.tar`; nil where it is none of these.
  init?(_ place: URL) {
    let path = place.path(percentEncoded: false)
    if let numbered = TarReading.numbered(path) {
      shards = numbered.map { URL(filePath: $0) }
    } else if place.pathExtension == "tar" {
      shards = [place]
    } else {
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { !$0.hasPrefix(".") }
      let archives = names.filter { $0.hasSuffix(".tar") }.sorted(by: ListedImages.precedes)
      // An archive that lies beside class folders or images is none of the set.
      let hasOthers = names.contains {
        ListedImages.isImage($0) || ListedImages.isFolder(place.appending(path: $0).path)
      }
      guard !archives.isEmpty, !hasOthers else { return nil }
      shards = archives.map { place.appending(path: $0) }
    }
  }

  /// The paths that a number range in braces stands for.
  private static func numbered(_ path: String) -> [String]? {
    guard let match = path.firstMatch(of: /\{([0-9]+)\.\.([0-9]+)\}/), let first = Int(match.1),
      let last = Int(match.2), first <= last, last - first < 1_000_000
    else { return nil }
    let digits = match.1.count
    return (first...last).map { number in
      let text = String(number)
      let padded = String(repeating: "0", count: max(digits - text.count, 0)) + text
      return path.replacingCharacters(in: match.range, with: padded)
    }
  }

  /// - Throws: `DataError` for an archive that is missing or damaged, or labels without images.
  func images() throws -> [ListedImages.Found] {
    try shards.flatMap { try TarReading.images(in: $0) }
  }

  /// The samples of an archive: neighbours of the same key.
  private static func images(in shard: URL) throws -> [ListedImages.Found] {
    guard FileManager.default.fileExists(atPath: shard.path) else {
      throw DataError("there is no archive \(shard.displayName)")
    }
    let reader = try PositionedFile(shard)
    var found: [ListedImages.Found] = []
    var sample: [TarIndex.Entry] = []
    func finish() throws {
      guard !sample.isEmpty else { return }
      if let image = try TarReading.image(sample, shard, reader) { found.append(image) }
      sample = []
    }
    for entry in try TarIndex(shard).entries {
      if let first = sample.first, key(first.name).key != key(entry.name).key { try finish() }
      sample.append(entry)
    }
    try finish()
    return found
  }

  /// A name up to the first dot of its last part, and what follows it, as WebDataset has it.
  private static func key(_ name: String) -> (key: Substring, ending: String) {
    let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    guard let dot = name[start...].firstIndex(of: ".") else { return (name[...], "") }
    return (name[..<dot], name[dot...].dropFirst().lowercased())
  }

  private static func image(
    _ sample: [TarIndex.Entry], _ shard: URL, _ reader: PositionedFile
  ) throws -> ListedImages.Found? {
    let images = sample.filter { ListedImages.endings.contains(key($0.name).ending) }
    let labels = sample.filter { ["cls", "json"].contains(key($0.name).ending) }
    guard let image = images.first else {
      guard let label = labels.first else { return nil }
      throw DataError("\(shard.displayName): \(label.name) has no image beside it")
    }
    var className: String?
    for label in labels where label.size <= 1 << 20 && className == nil {
      let bytes = try reader.bytes(at: label.offset, count: label.size)
      className = key(label.name).ending == "cls" ? words(bytes) : inJSON(bytes)
    }
    if let label = labels.first(where: { key($0.name).ending == "cls" }), className == nil {
      throw DataError("\(shard.displayName): \(label.name) names no class")
    }
    let place = ListedImages.Place(
      path: image.name, shard: shard.path(percentEncoded: false), offset: image.offset, size: image.size)
    return ListedImages.Found(place: place, className: className)
  }

  private static func words(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }

  /// The class in a sample's description, under the keys that are usual.
  private static func inJSON(_ bytes: [UInt8]) -> String? {
    guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else { return nil }
    let value = ["label", "cls", "class"].lazy.compactMap { object[$0] }.first
    return (value as? String) ?? (value as? NSNumber).map { "\($0)" }
  }
}
