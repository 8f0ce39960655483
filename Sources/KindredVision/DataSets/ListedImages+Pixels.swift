// Sets of many small files: decoded once, and then in memory like those that are published as pixels.

import Foundation
import Synchronization

extension ListedImages {
  /// The pixels of all images, one after another, decoded on all processors.
  /// - Throws: `DataError` for the first that cannot be read, or is of another size.
  func pixels(width: Int, height: Int, channels: Int) throws -> [UInt8] {
    let imageBytes = width * height * channels
    let first = Mutex<(index: Int, error: DataError)?>(nil)
    let pixels = [UInt8](unsafeUninitializedCapacity: count * imageBytes) { buffer, initialized in
      nonisolated(unsafe) let buffer = buffer
      let piece = 64
      DispatchQueue.concurrentPerform(iterations: (count + piece - 1) / piece) { part in
        for index in part * piece..<min((part + 1) * piece, count) {
          guard first.withLock({ $0.map { index < $0.index } ?? true }) else { return }
          switch decoded(index, width: width, height: height, channels: channels) {
          case .success(let bytes):
            _ = UnsafeMutableBufferPointer(rebasing: buffer[index * imageBytes..<(index + 1) * imageBytes])
              .initialize(from: bytes)
          case .failure(let error): return first.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
          }
        }
      }
      initialized = first.withLock { $0 == nil } ? count * imageBytes : 0
    }
    if let (_, error) = first.withLock({ $0 }) { throw error }
    return pixels
  }

  private func decoded(_ index: Int, width: Int, height: Int, channels: Int) -> Result<[UInt8], DataError> {
    do {
      let image = try bytes(at: index).withUnsafeBytes { try ImageDecoder.decode($0, channels: channels) }
      guard (image.width, image.height) == (width, height) else {
        return .failure(
          DataError("\(name(at: index)): \(image.width) x \(image.height) pixels, \(width) x \(height) expected"))
      }
      return .success(image.bytes)
    } catch {
      return .failure(error as? DataError ?? DataError("\(name(at: index)): \(error)"))
    }
  }
}
