// The process in which inputs are read: whatever happens to it, the file it shares with its parent names the input.

import AllocationMeter
import Foundation
import KindredVision
import Torch

/// A few numbers and a line of text in a mapped file.
///
/// Two processes look at it, and the thread that watches for an end; each is content with what it finds.
struct FuzzState: @unchecked Sendable {
  private let numbers: UnsafeMutablePointer<Int>
  private let text: UnsafeMutablePointer<CChar>
  private static let (bytes, textStart) = (4096, 512)

  init(_ file: URL) throws {
    let descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, off_t(FuzzState.bytes)) == 0 else {
      throw Failure("\(file.path) cannot be opened: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    let memory = mmap(nil, FuzzState.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { throw Failure("\(file.path) cannot be mapped") }
    numbers = memory.bindMemory(to: Int.self, capacity: FuzzState.textStart / 8)
    text = (memory + FuzzState.textStart).bindMemory(to: CChar.self, capacity: FuzzState.bytes - FuzzState.textStart)
  }

  /// The input under test.
  var number: Int {
    get { numbers[0] }
    nonmutating set { numbers[0] = newValue }
  }
  /// Inputs that were read without an error.
  var accepted: Int {
    get { numbers[1] }
    nonmutating set { numbers[1] = newValue }
  }
  /// The most that reading one allocated.
  var largestPeak: Int {
    get { numbers[2] }
    nonmutating set { numbers[2] = newValue }
  }
  /// The most that reading one allocated beyond what is free, in thousandths of the input.
  var largestMultiple: Int {
    get { numbers[3] }
    nonmutating set { numbers[3] = newValue }
  }
  /// What is wrong with the input under test.
  var problem: String {
    get { String(cString: text) }
    nonmutating set {
      let room = FuzzState.bytes - FuzzState.textStart - 1
      let bytes = newValue.utf8.prefix(room).map { CChar(bitPattern: $0) } + [0]
      text.update(from: bytes, count: bytes.count)
    }
  }
}

/// What a reader may allocate.
enum AllocationBound {
  /// Times the input.
  static let multiple = 1024
  /// And so many bytes in any case.
  static let free = 256 << 10
  /// Times what is expected, such as a data set's size: an array doubles while it grows.
  static let expectedMultiple = 3

  static func free(_ reader: any FuzzedReader) -> Int { free + expectedMultiple * reader.expectedBytes }
}

final class FuzzWorker {
  static let longestSeconds = 10.0
  private let target: FuzzTarget
  private let seed: UInt64
  private let folder: URL
  private let reader: any FuzzedReader
  private let state: FuzzState
  private var written: Set<String> = []

  init(_ target: FuzzTarget, seed: UInt64, folder: URL, state: FuzzState) throws {
    (self.target, self.seed, self.folder, self.state) = (target, seed, folder, state)
    // More threads would only wait for each other over such small tensors.
    Runtime.threadCount = 1
    reader = try target.reader(folder)
  }

  /// Reads inputs until one is answered wrongly, which `state.problem` then tells.
  func run(_ numbers: Range<Int>) throws {
    try warmUp()
    watch()
    for number in numbers {
      state.number = number
      try write(input(number))
      try read()
      if !state.problem.isEmpty { return }
    }
    state.number = numbers.upperBound
  }

  func input(_ number: Int) -> [InputFile] {
    var random = target.random(seed: seed, number: number)
    return reader.input(&random)
  }

  /// Reads the first input and says what came of it.
  func readAloud(_ number: Int) throws -> String {
    try warmUp()
    state.number = number
    try write(input(number))
    do {
      try reader.read()
      return "it was read"
    } catch {
      return "\(error)"
    }
  }

  /// What is made once in a process is no input's allocation.
  private func warmUp() throws {
    for file in reader.wholeInputs {
      try write([file])
      try? reader.read()
    }
    for other in 1...50 {
      var random = target.random(seed: seed ^ 0x5eed, number: other)
      try write(reader.input(&random))
      try? reader.read()
    }
  }

  private func write(_ files: [InputFile]) throws {
    let names = Set(files.map(\.name))
    for name in written.subtracting(names) { unlink(folder.path + "/" + name) }
    written = names
    for file in files {
      let path = folder.path + "/" + file.name
      // Never cut: a file that is mapped would lose its pages.
      unlink(path)
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
      guard descriptor >= 0 else { throw Failure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
      let count = file.bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      close(descriptor)
      guard count == file.bytes.count else { throw Failure("\(path) cannot be written") }
    }
    size = files.reduce(0) { $0 + $1.bytes.count }
  }

  private var size = 0

  private func read() throws {
    allocation_mark()
    do {
      try reader.read()
      state.accepted += 1
    } catch {
      if !isKnown(error) { state.problem = "an error that is not Kindred's: \(type(of: error)) \(error)" }
    }
    let peak = Int(allocation_peak())
    let beyond = peak - AllocationBound.free(reader)
    state.largestPeak = max(state.largestPeak, peak)
    state.largestMultiple = max(state.largestMultiple, 1000 * beyond / max(size, 1))
    guard beyond > AllocationBound.multiple * size, state.problem.isEmpty else { return }
    state.problem = "\(peak) bytes allocated for an input of \(size)"
  }

  /// Ends the process when one input takes too long, counted in the processor's time, or when nobody waits for it.
  private func watch() {
    let (state, parent) = (state, getppid())
    let thread = Thread {
      var (number, since) = (-1, 0.0)
      while true {
        usleep(200_000)
        if getppid() != parent { _exit(EXIT_FAILURE) }
        let now = FuzzWorker.processorSeconds
        if state.number != number { (number, since) = (state.number, now) }
        guard now - since > FuzzWorker.longestSeconds else { continue }
        state.problem = "no end after \(Int(FuzzWorker.longestSeconds)) seconds"
        _exit(EXIT_FAILURE)
      }
    }
    thread.start()
  }

  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
