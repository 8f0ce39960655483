// A folder has one writer or several readers, and no lock file stays behind.

import Files
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct FolderLockTests {
  private let own: TestFolder
  private var folder: URL { own.url }

  init() throws { own = try TestFolder() }

  @Test func oneWriterKeepsAllOthersOut() throws {
    let writer = try FolderLock(folder: folder)
    #expect(try own.contents == [".lock"])
    #expect(throws: FolderLockError.held) { try FolderLock(folder: folder) }
    #expect(throws: FolderLockError.held) { try FolderLock.shared(folder: folder) }
    writer.release()
    #expect(try own.contents.isEmpty)
    let next = try FolderLock(folder: folder)
    writer.release()
    #expect(try own.contents == [".lock"], "what is released twice takes nobody else's lock away")
    withExtendedLifetime(next) {}
  }

  @Test func readersShareAndTheLastOneTidiesUp() throws {
    var readers = [try FolderLock.shared(folder: folder), try FolderLock.shared(folder: folder)]
    #expect(throws: FolderLockError.held) { try FolderLock(folder: folder) }
    readers.removeFirst()
    #expect(throws: FolderLockError.held) { try FolderLock(folder: folder) }
    readers.removeFirst()
    #expect(try own.contents.isEmpty)
  }

  @Test func aFolderThatIsNotThereCannotBeLocked() throws {
    #expect(throws: FolderLockError.unavailable("No such file or directory")) {
      try FolderLock(folder: folder.appending(path: "none"))
    }
  }

  @Test func neverTwoAtOnceHoweverOftenTheFileComesAndGoes() async throws {
    let folder = folder
    let inside = Counter()
    let most = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var (most, turns) = (0, 0)
          while turns < 500 {
            guard let lock = try? FolderLock(folder: folder) else { continue }
            turns += 1
            most = max(most, inside.add(1))
            _ = inside.add(-1)
            lock.release()
          }
          return most
        }
      }
      return await group.reduce(0, max)
    }
    #expect(most == 1)
  }
}

private final class Counter: Sendable {
  private let count = Mutex(0)
  func add(_ number: Int) -> Int {
    count.withLock {
      $0 += number
      return $0
    }
  }
}
