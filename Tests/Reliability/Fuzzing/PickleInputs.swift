// Python's pickles: damaged ones, and programs for the machine that reads them.

import Files
import Foundation
import GoldenFiles
import Kindred
import KindredVision

struct PickleInputs: FuzzedReader {
  private let file: URL
  private let samples: [[UInt8]]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.pickle")
    samples = try ["protocol0", "protocol4", "python2"].map {
      Array(try Data(contentsOf: Golden.file("cifar-\($0)", "pickle")))
    }
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var bytes = random.oneIn(2) ? PickleInputs.program(&random) : random.pick(samples)
    if !random.oneIn(3) {
      // The images take most of a file; what is before and after them says what they are.
      let (head, tail) = (bytes.prefix(400), bytes.dropFirst(400))
      bytes = Mutation.of(Array(head), with: random.pick(samples), &random) + tail
    }
    if random.oneIn(4) { bytes = Mutation.of(bytes, with: bytes, &random) }
    return [InputFile(name: "input.pickle", bytes: bytes)]
  }

  func read() throws {
    let names: Set = ["numpy.core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype"]
    let pickle = try Pickle(try Data(contentsOf: file), constructors: names)
    var visits = 2_000
    PickleInputs.walk(pickle.root, &visits)
  }

  /// Everything that can be asked of a value. Values are shared, so that a small tree may have no end of paths.
  private static func walk(_ value: Pickle.Value, _ visits: inout Int) {
    visits -= 1
    guard visits > 0 else { return }
    _ = (value.kind, value.flag, value.integer, value.number, value.bytes, value.text, value.name, value["data"])
    let parts =
      (value.items ?? []) + (value.entries ?? []).flatMap { [$0.key, $0.value] } + (value.object?.arguments ?? [])
      + [value.object?.state, value.persistentID].compactMap(\.self)
    for part in parts { walk(part, &visits) }
  }

  // MARK: Programs

  /// Operations that mostly find on the stack what they need.
  static func program(_ random: inout SplitMix64) -> [UInt8] {
    var bytes: [UInt8] = random.oneIn(2) ? [0x80, UInt8(random.index(6))] : []
    for _ in 0...random.index(60) { bytes += operation(&random) }
    if random.oneIn(20) {
      bytes += [UInt8](repeating: random.pick(Array("(])}2".utf8)), count: random.index(3000))
    }
    return random.oneIn(10) ? bytes : bytes + Array(".".utf8)
  }

  private static func operation(_ random: inout SplitMix64) -> [UInt8] {
    switch random.index(8) {
    case 0: Array(random.pick(["(", "0", "1", "2", "N", "]", ")", "}", "a", "e", "s", "u", "b", "t", "l", "d"]).utf8)
    case 1: [random.pick([0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x93, 0x94, 0x81, 0x92]) as UInt8]
    case 2: counted(&random)
    case 3: [random.pick(Array("qh".utf8)), UInt8(random.index(8))]
    case 4: line(&random)
    case 5: random.pick([Array("K".utf8) + [7], Array("M".utf8) + [1, 2], Array("J".utf8) + [255, 255, 255, 127]])
    case 6: Array("(dp0\n(lp1\nI1\naS'data'\n".utf8)
    default: [UInt8(truncatingIfNeeded: random.next())]
    }
  }

  /// Something whose length stands before it, and is not always true.
  private static func counted(_ random: inout SplitMix64) -> [UInt8] {
    let (code, size) = random.pick([
      ("U", 1), ("T", 4), ("X", 4), ("C", 1), ("B", 4), ("\u{8c}", 1), ("\u{8d}", 8), ("\u{8e}", 8), ("\u{8a}", 1),
      ("\u{8b}", 4), ("\u{95}", 8),
    ])
    let content = random.bytes(random.index(12))
    let count = random.oneIn(4) ? random.pick(Mutation.integers) : UInt64(content.count)
    let length = withUnsafeBytes(of: count.littleEndian) { Array($0.prefix(size)) }
    return code.unicodeScalars.map { UInt8($0.value) } + length + content
  }

  private static func line(_ random: inout SplitMix64) -> [UInt8] {
    Array(
      random.pick([
        "I01\n", "I-5\n", "L12345678901234567890L\n", "F1.5\n", "Fnan\n", "S'a\\x41\\'b'\n", "S'\n",
        "V\\u00e4\\ud800\n",
        "cnumpy\ndtype\n", "cos\nsystem\n", "c\n\n", "p1\n", "g1\n", "p-1\n", "Pid\n", "Q", "R", "iposix\nsystem\n",
        "o",
        "cnumpy.core.multiarray\n_reconstruct\n",
      ]).utf8)
  }
}
