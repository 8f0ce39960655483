// Which image files there are, and of which class each is: read from folders or from a list, before anything is decoded.

import Files
import Foundation

/// The images of a set of one's own, in an order that does not change with the disk's.
package struct ListedImages: Sendable {
  /// Where an image's bytes lie: a file of its own, or a part of an archive.
  struct Place: Sendable {
    /// From the set's root, or in the archive.
    let path: String
    /// The archive; nil for a file of its own.
    var shard: String?
    /// Where in the archive it begins.
    var offset = 0
    let size: Int
  }

  /// An image as it was found.
  struct Found {
    let place: Place
    /// nil where there are no classes.
    let className: String?
  }

  /// How files of images end.
  static let endings: Set = ["jpg", "jpeg", "png", "webp"]

  /// What the paths start from, and where what is measured of the set is kept.
  package let root: URL
  let places: [Place]
  /// Each image's class; -1 where there are no classes.
  package let labels: [Int32]
  /// In the order of labels; empty where there are no classes.
  package let classNames: [String]

  /// The images of a folder of class folders, of a folder without classes, of a text file of lines `path<tab>class`, or of
  /// tar archives in WebDataset's form.
  /// - Throws: `DataError`, which says what was found in their place.
  package init(_ place: URL) throws {
    let place = URL(filePath: place.path, directoryHint: .notDirectory)
    let isFolder = ListedImages.isFolder(place.path)
    let found: [Found]
    if let archives = TarReading(place) {
      found = try archives.images()
    } else if isFolder {
      found = try FolderReading(place).images()
    } else if FileManager.default.fileExists(atPath: place.path) {
      found = try ListReading(place).images()
    } else {
      throw DataError("there is no folder, list or archive of images \(place.displayName)")
    }
    guard !found.isEmpty else {
      throw DataError("\(place.displayName): has no images; they are files that end in .jpg, .jpeg, .png or .webp")
    }
    let classNames = ListedImages.sorted(Set(found.compactMap(\.className)), areLabels: found[0].place.shard != nil)
    let index = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, Int32($0)) })
    let labels = found.map { $0.className.flatMap { index[$0] } ?? -1 }
    if !classNames.isEmpty, let stranger = labels.firstIndex(of: -1) {
      throw DataError("\(place.displayName): \(found[stranger].place.path) has no class, and others have")
    }
    self.init(
      root: isFolder ? place : place.deletingLastPathComponent(), places: found.map(\.place), labels: labels,
      classNames: classNames)
  }

  /// The images of class folders in several folders of one, in their order. Paths start at that one.
  /// - Throws: `DataError`, also where the folders have different classes.
  init(classFoldersIn folders: [String], of root: URL) throws {
    let parts = try folders.map { try ListedImages(root.appending(path: $0)) }
    let classNames = parts[0].classNames
    let labelled = try parts.map { try $0.labelled(as: classNames) }
    let places = zip(folders, labelled).flatMap { folder, part in
      part.places.map { Place(path: "\(folder)/\($0.path)", size: $0.size) }
    }
    self.init(root: root, places: places, labels: labelled.flatMap(\.labels), classNames: classNames)
  }

  /// Files of a folder, each with its label.
  /// - Throws: `DataError` for one that is not there.
  init(_ files: [(path: String, label: Int32)], of root: URL, classNames: [String]) throws {
    let places = try files.map { try Place.file($0.path, in: root) }
    self.init(root: root, places: places, labels: files.map(\.label), classNames: classNames)
  }

  private init(root: URL, places: [Place], labels: [Int32], classNames: [String]) {
    (self.root, self.places, self.labels, self.classNames) = (root, places, labels, classNames)
  }

  package var count: Int { places.count }

  /// How many images lie directly in a folder; 0 where there is none.
  static func count(in folder: URL) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.count { !$0.hasPrefix(".") && isImage($0) }
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// Whether a file is one of images, by its name.
  static func isImage(_ path: String) -> Bool {
    path.lastIndex(of: ".").map { endings.contains(path[$0...].dropFirst().lowercased()) } ?? false
  }

  /// What to call an image in a message.
  package func name(at index: Int) -> String {
    let place = places[index]
    let name = place.shard.map { "\(URL(filePath: $0).displayName): \(place.path)" }
    return (name ?? root.appending(path: place.path).displayName).displayed
  }

  /// An image's bytes.
  /// - Throws: `DataError` where they cannot be read, or are others than when the set was opened.
  package func bytes(at index: Int) throws -> Data {
    let place = places[index]
    if let shard = place.shard {
      return Data(try PositionedFile(URL(filePath: shard)).bytes(at: place.offset, count: place.size))
    }
    let bytes = try DataFile.read(root.appending(path: place.path))
    guard bytes.count == place.size else { throw DataError("\(name(at: index)): changed while the set was in use") }
    return bytes
  }

  /// Files of the same relative names in another folder, whatever their ending.
  /// - Throws: `DataError` naming one that is not there.
  func sameNames(in folder: URL) throws -> ListedImages {
    let endings = ListedImages.endings.sorted()
    let others = try places.map { place in
      let stem = (place.path as NSString).deletingPathExtension
      let candidates = [place.path] + endings.map { "\(stem).\($0)" }
      guard let path = candidates.first(where: { access(folder.appending(path: $0).path, F_OK) == 0 }) else {
        throw DataError("\(folder.displayName): has nothing of the name of \(place.path.displayed)")
      }
      return try Place.file(path, in: folder)
    }
    return ListedImages(root: folder, places: others, labels: labels, classNames: classNames)
  }

  /// SHA-256 of the images' paths and sizes, which tell a set from one that has changed.
  var fingerprint: String {
    Digest.sha256.hex { update in
      for place in places { Array("\(place.path)\0\(place.size)\0".utf8).withUnsafeBytes(update) }
    }
  }

  /// Refuses images that are not those of a published set.
  /// - Throws: `DataError`.
  func check(_ set: String, classNames expected: [String], count expectedCount: Int) throws {
    if let stranger = Set(classNames).symmetricDifference(expected).min(by: ListedImages.precedes) {
      let problem = expected.contains(stranger) ? "lacks the class" : "has a class of another set,"
      throw DataError("\(root.displayName): \(problem) '\(stranger)'; \(DataSet.fetchAdvice(set))")
    }
    guard count == expectedCount else {
      throw DataError(
        "\(root.displayName): \(count) images of \(set), \(expectedCount) expected; \(DataSet.fetchAdvice(set))")
    }
  }

  /// The images that were not found broken when the set was checked, and how many that leaves out.
  /// - Throws: `DataError` where it was not checked, or has changed since.
  func withoutBroken() throws -> (files: ListedImages, broken: [String]) {
    guard let broken = CheckedImages(of: self).broken else {
      throw DataError(
        "\(root.displayName): which images are broken is not known; find out with `kindred data check`, once the set is "
          + "complete")
    }
    let kept = places.indices.filter { !broken.contains(places[$0].path) }
    return (selecting(kept), broken.sorted(by: ListedImages.precedes))
  }

  /// How many images follow each other in each archive; nil for images in files of their own.
  var shardSizes: [Int]? {
    guard places.contains(where: { $0.shard != nil }) else { return nil }
    var sizes: [Int] = []
    for (index, place) in places.enumerated() {
      if index > 0, place.shard == places[index - 1].shard { sizes[sizes.count - 1] += 1 } else { sizes.append(1) }
    }
    return sizes
  }

  package func selecting(_ indices: [Int]) -> ListedImages {
    ListedImages(
      root: root, places: indices.map { places[$0] }, labels: indices.map { labels[$0] }, classNames: classNames)
  }

  /// The images but a share of them, and that share, chosen by each one's own path: images that are added later change
  /// nothing about the others.
  /// - Parameter split: which share, counted from 1; no two have an image in common.
  package func holdingOut(_ share: Double, split: Int = 1) -> (kept: ListedImages, heldOut: ListedImages) {
    let range = share * Double(split - 1)..<share * Double(split)
    let isOut = places.map { range.contains(Double(ListedImages.hash($0.path) >> 11) * 0x1p-53) }
    return (selecting(places.indices.filter { !isOut[$0] }), selecting(places.indices.filter { isOut[$0] }))
  }

  /// The same images with the labels of other class names.
  /// - Throws: `DataError` naming a class that is not among them.
  package func labelled(as names: [String]) throws -> ListedImages {
    guard names != classNames else { return self }
    let index = Dictionary(names.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
    if let stranger = classNames.first(where: { index[$0] == nil }) {
      let some = names.prefix(5).joined(separator: ", ")
      throw DataError(
        "\(root.displayName): has a class '\(stranger)', which is none of the \(names.count) that are trained on (\(some)"
          + "\(names.count > 5 ? ", ..." : ""))")
    }
    let map = classNames.compactMap { index[$0] }
    return ListedImages(
      root: root, places: places, labels: labels.map { $0 < 0 ? $0 : map[Int($0)] }, classNames: names)
  }

  /// Names of folders by code points, as torchvision has them; labels of archives, which are numbers mostly, by value.
  private static func sorted(_ names: Set<String>, areLabels: Bool) -> [String] {
    let numbers = names.compactMap { Int($0) }
    guard areLabels, numbers.count == names.count else { return names.sorted(by: precedes) }
    return zip(names, names.compactMap { Int($0) }).sorted { $0.1 < $1.1 }.map(\.0)
  }

  /// By code points, which are the same everywhere.
  static func precedes(_ one: String, _ other: String) -> Bool {
    one.unicodeScalars.lexicographicallyPrecedes(other.unicodeScalars)
  }

  /// FNV-1a, mixed once more so that its high bits are as good as its low ones.
  private static func hash(_ path: String) -> UInt64 {
    var hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    return hash ^ (hash >> 33)
  }
}

extension ListedImages.Place {
  /// A file of its own.
  /// - Throws: `DataError` where it is not there.
  fileprivate static func file(_ path: String, in root: URL) throws -> Self {
    Self(path: path, size: try DataFile.size(of: root.appending(path: path)))
  }
}

/// Images below a folder.
private struct FolderReading {
  /// What the parts of a set are called, which nobody calls all of its classes.
  private static let parts: Set = ["train", "training", "test", "val", "valid", "validation"]
  private let root: URL

  init(_ root: URL) { self.root = root }

  /// Those of the folders in it, each a class; or those in it, where it has no folders.
  func images() throws -> [ListedImages.Found] {
    let (folders, files) = try contents(of: "")
    guard !folders.isEmpty else { return try files.map { try found($0, nil) } }
    if let file = files.first {
      throw DataError(
        "\(root.displayName): has class folders and images beside them, such as \(file); move these into a class")
    }
    if Set(folders).isSubset(of: FolderReading.parts) {
      let (one, all) = (folders[0], folders.joined(separator: " and "))
      throw DataError(
        "\(root.displayName): has the folders \(all), which are parts of a set and no classes; name them, such as "
          + "train: \(root.appending(path: one).displayName)")
    }
    return try folders.flatMap { folder in
      var seen: Set<FileIdentity> = []
      let images = try images(below: folder, &seen)
      guard !images.isEmpty else {
        throw DataError("\(root.appending(path: folder).displayName): a class without images; add some, or remove it")
      }
      return try images.map { try found($0, folder) }
    }
  }

  private func found(_ path: String, _ className: String?) throws -> ListedImages.Found {
    .init(place: try .file(path, in: root), className: className)
  }

  /// The images in a folder and in those below it. A folder that leads back to one it lies in is read once.
  private func images(below folder: String, _ seen: inout Set<FileIdentity>) throws -> [String] {
    guard let identity = FileIdentity(root.appending(path: folder).path), seen.insert(identity).inserted else {
      return []
    }
    let (folders, files) = try contents(of: folder)
    return try files + folders.flatMap { try images(below: $0, &seen) }
  }

  /// The folders and the images in a folder, by name. What is hidden, or is neither, is passed over.
  private func contents(of folder: String) throws -> (folders: [String], images: [String]) {
    let place = root.appending(path: folder)
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: place.path)
    } catch {
      throw DataError("\(place.displayName): cannot be read: \(systemReason(error))")
    }
    let paths = names.filter { !$0.hasPrefix(".") }.sorted(by: ListedImages.precedes)
      .map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
    let images = paths.filter(ListedImages.isImage)
    let others = Set(paths).subtracting(images)
    return (paths.filter { others.contains($0) && ListedImages.isFolder(root.appending(path: $0).path) }, images)
  }
}

/// What a file is, whatever its path.
private struct FileIdentity: Hashable {
  private let device: UInt64
  private let number: UInt64

  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}

/// A text file of lines `path<tab>class`, or of paths alone. Paths start at the file's folder.
private struct ListReading {
  private let file: URL

  init(_ file: URL) { self.file = file }

  func images() throws -> [ListedImages.Found] {
    let bytes = try DataFile.read(file)
    guard let text = String(data: bytes, encoding: .utf8) else {
      throw DataError("\(file.displayName): is no list of images: not a text of lines 'path<tab>class'")
    }
    let images = text.split(whereSeparator: \.isNewline).map { line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      return (path: String(parts[0]), className: parts.count > 1 ? String(parts[1]) : nil, parts: parts.count)
    }
    let hasClasses = images.contains { $0.className != nil }
    for (index, image) in images.enumerated() {
      let isRight = image.parts == (hasClasses ? 2 : 1) && !image.path.isEmpty && image.className?.isEmpty != true
      guard isRight else {
        let form = hasClasses ? "'path<tab>class'" : "a path"
        throw DataError("\(file.displayName): line \(index + 1) is not \(form)")
      }
    }
    let root = file.deletingLastPathComponent()
    return try images.map { .init(place: try .file($0.path, in: root), className: $0.className) }
  }
}
