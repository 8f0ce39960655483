// Every image of a set looked at once: what is broken, double or lopsided, before anything is trained on it.

import Files
import Foundation
import Synchronization

/// What was found in a set of one's own images.
package struct ImageCheck: Sendable {
  /// An image that cannot be decoded.
  package struct Broken: Sendable, Equatable {
    package let path: String
    /// What is wrong with it.
    package let problem: String
  }

  /// The images in a class.
  package struct ClassCount: Sendable, Equatable {
    package let name: String
    package let count: Int
  }

  /// All images, broken ones among them.
  package let count: Int
  package private(set) var broken: [Broken] = []
  /// Images whose files are the same to the byte, together.
  package private(set) var duplicates: [[String]] = []
  /// In the order of labels; empty where there are no classes.
  package let classes: [ClassCount]
  /// Whether it is written down beside the images which ones are broken.
  package private(set) var isKept = false
  /// The sizes of those that are not broken, by their area.
  package private(set) var sizes: [(width: Int, height: Int)] = []

  /// - Parameter progress: is told now and then how many images were looked at; returns whether to go on.
  /// - Returns: nil where that said no.
  /// - Throws: `DataError` for a set that cannot be listed.
  package init?(_ place: URL, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Bool) throws {
    let files = try ListedImages(place)
    count = files.count
    classes = files.classNames.enumerated().map { label, name in
      ClassCount(name: name, count: files.labels.count { $0 == label })
    }
    guard let looks = ImageCheck.look(at: files, progress) else { return nil }
    var byDigest: [String: [String]] = [:]
    for (index, look) in looks.enumerated() {
      let path = files.places[index].path
      switch look.result {
      case .success(let size): sizes.append(size)
      case .failure(let error): broken.append(Broken(path: path, problem: error.description))
      }
      if let digest = look.digest { byDigest[digest, default: []].append(path) }
    }
    duplicates = byDigest.values.filter { $0.count > 1 }.sorted { ListedImages.precedes($0[0], $1[0]) }
    sizes.sort { ($0.width * $0.height, $0.width) < ($1.width * $1.height, $1.width) }
    isKept = CheckedImages(of: files).keep(broken)
  }

  /// How often the largest class has the images of the smallest; nil for fewer than two classes.
  package var imbalance: Double? {
    guard classes.count > 1, let most = classes.map(\.count).max(), let least = classes.map(\.count).min() else {
      return nil
    }
    return Double(most) / Double(max(least, 1))
  }

  /// What was seen of one image.
  private struct Look {
    let result: Result<(width: Int, height: Int), DataError>
    /// nil where it cannot be read.
    let digest: String?

    init(_ files: ListedImages, _ index: Int) {
      do {
        let bytes = try files.bytes(at: index)
        digest = Digest.sha256.hex(of: Array(bytes))
        result = bytes.withUnsafeBytes { bytes in
          do {
            // All of the file is gone through at any scale.
            _ = try ImageDecoder.decode(bytes, channels: 3, shorterSide: 256)
            let header = try ImageDecoder.header(of: bytes)
            return .success((header.width, header.height))
          } catch {
            return .failure(DataError("\(error)"))
          }
        }
      } catch {
        digest = nil
        result = .failure(error as? DataError ?? DataError("\(error)"))
      }
    }
  }

  private static func look(at files: ListedImages, _ progress: @Sendable (Int, Int) -> Bool) -> [Look]? {
    let piece = 32
    let looks = Mutex([Look?](repeating: nil, count: files.count))
    let done = Mutex((count: 0, goesOn: true))
    DispatchQueue.concurrentPerform(iterations: (files.count + piece - 1) / piece) { part in
      guard done.withLock({ $0.goesOn }) else { return }
      let range = part * piece..<min((part + 1) * piece, files.count)
      for index in range {
        let look = Look(files, index)
        looks.withLock { $0[index] = look }
      }
      done.withLock {
        $0.count += range.count
        $0.goesOn = $0.goesOn && progress($0.count, files.count)
      }
    }
    guard done.withLock({ $0.goesOn }) else { return nil }
    return looks.withLock { $0.compactMap(\.self) }
  }
}

/// Which images of a set were found broken, kept beside them.
struct CheckedImages {
  private let file: URL
  private let key: String

  private struct Entry: Codable {
    let key: String
    let broken: [String]
  }

  init(of files: ListedImages) {
    file = files.root.appending(path: ".kindred-check.json")
    key = files.fingerprint
  }

  /// The paths of the broken ones; nil where the set was not checked, or has changed since.
  var broken: Set<String>? {
    guard let data = try? Data(contentsOf: file), let entry = try? JSONDecoder().decode(Entry.self, from: data),
      entry.key == key
    else { return nil }
    return Set(entry.broken)
  }

  /// - Returns: whether they can be written down there.
  func keep(_ broken: [ImageCheck.Broken]) -> Bool {
    let entry = Entry(key: key, broken: broken.map(\.path))
    guard let data = try? JSONEncoder().encode(entry) else { return false }
    return (try? AtomicFile.write(data, to: file)) != nil
  }
}
