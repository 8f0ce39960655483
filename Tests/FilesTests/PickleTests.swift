// Pickles that Python wrote, by hand and by its own module, and hostile ones.

import Files
import Foundation
import Testing

@Suite struct PickleTests {
  /// Latin-1 text: a character a byte.
  private func bytes(_ text: String) -> Data { Data(text.unicodeScalars.map { UInt8($0.value) }) }

  /// Python's `repr`, as far as the tests need it.
  private func describe(_ value: Pickle.Value) -> String {
    if let flag = value.flag { return flag ? "True" : "False" }
    if let integer = value.integer { return "\(integer)" }
    if let number = value.number { return "\(number)" }
    if value.kind == "a str", let text = value.text { return "'\(text)'" }
    if let bytes = value.bytes { return "b\(bytes.map { Int($0) })" }
    if let (constructor, arguments, state) = value.object {
      let tail =
        (value.items ?? []).map(describe) + (value.entries ?? []).map { describe($0.key) + ":" + describe($0.value) }
      return
        "\(constructor)(\(arguments.map(describe).joined(separator: ",")))\(state.map { "/" + describe($0) } ?? "")"
        + (tail.isEmpty ? "" : "{" + tail.joined(separator: ",") + "}")
    }
    if let items = value.items {
      let (open, close) = value.kind == "a list" ? ("[", "]") : value.kind == "a tuple" ? ("(", ")") : ("{", "}")
      return open + items.map(describe).joined(separator: ",") + close
    }
    if let entries = value.entries {
      return "{" + entries.map { describe($0.key) + ":" + describe($0.value) }.joined(separator: ",") + "}"
    }
    if let id = value.persistentID { return "P" + describe(id) }
    return value.name ?? value.kind
  }

  /// What `pickle.dumps` of Python 3.11 gives for the same value in each protocol.
  @Test(arguments: PythonsPickles.all)
  func everyProtocolGivesTheSame(_ pickle: Data) throws {
    let read = try Pickle(pickle, constructors: ["collections.OrderedDict", "__builtin__.set", "builtins.set"])
    #expect(read.length == pickle.count)
    let root = read.root
    #expect(root["none"]?.kind == "None")
    #expect(root["flags"].map(describe) == "[True,False]")
    #expect(root["numbers"].map(describe) == "(0,255,65535,-1,-2147483648,9223372036854775807,1.5,-0.0)")
    #expect(root["huge"]?.kind == "an int" && root["huge"]?.integer == nil)
    #expect(root["text"]?.text == "ä\\\n'\u{1F600}")
    #expect(root["bytes"]?.bytes == Data([0, 255, 10, 39, 92]))
    #expect(root["shared"].map(describe) == "[[1],[1]]")
    #expect(root["ordered"]?["k"]?.integer == 7)
  }

  /// As Python 2's cPickle writes: `str` is bytes in its own operations.
  @Test func pythonTwosTextIsBytes() throws {
    let pickle = bytes("\u{80}\u{2}}q\u{1}(U\u{4}dataq\u{2}T\u{3}\0\0\0a\u{FF}bU\u{1}nK\u{5}u.")
    let root = try Pickle(pickle).root
    #expect(root["data"]?.bytes == Data([0x61, 0xFF, 0x62]))
    #expect(root["n"]?.integer == 5)
    let quoted = try Pickle(bytes("(dp1\nS'a\\'\\x00\\n\\\\'\nI3\ns.")).root
    #expect(quoted.entries?.first?.key.bytes == Data([0x61, 0x27, 0, 0x0A, 0x5C]))
  }

  /// As PyTorch's checkpoints use: objects of known classes, persistent ids, and several pickles in a file.
  @Test func objectsSayWhatTheyAreMadeFrom() throws {
    let pickle = bytes("\u{80}\u{2}ctorch\nrebuild\nq\0(U\u{1}sK\u{3}tQK\0\u{86}R}U\u{1}aK\u{1}sb.\u{80}\u{2}K\u{7}.")
    let first = try Pickle(pickle, constructors: ["torch.rebuild"])
    #expect(describe(first.root) == "torch.rebuild(P(b[115],3),0)/{b[97]:1}")
    #expect(try Pickle(pickle.dropFirst(first.length)).root.integer == 7)
  }

  @Test(arguments: [
    ("cos\nsystem\n(S'ls'\ntR.", "asks for os.system: not read (at byte 0)"),
    ("\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}.", "asks for os.system: not read (at byte 14)"),
    ("(S'ls'\nios\nsystem\n.", "asks for os.system: not read (at byte 7)"),
    ("\u{82}\u{1}.", "asks for an extension: not read (at byte 0)"),
    ("K\u{1})R.", "calls what is no name (at byte 3)"), ("", "truncated (at byte 0)"), ("]", "truncated (at byte 1)"),
    (".", "takes from an empty stack (at byte 0)"), ("a.", "takes from an empty stack (at byte 0)"),
    ("t.", "a mark is missing (at byte 0)"), ("(]a.", "looks at an empty stack (at byte 2)"),
    ("]2a.", "a value that holds itself: not read (at byte 2)"),
    ("]q\0]q\u{1}h\0ah\0h\u{1}a.", "changes a value that another holds: not read (at byte 13)"),
    ("h\u{3}.", "recalls what was not remembered (at byte 0)"),
    ("T\u{FF}\u{FF}\u{FF}\u{7F}a.", "truncated (at byte 7)"),
    ("\u{8E}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}.", "a length beyond every file (at byte 0)"),
    ("I1", "truncated (at byte 2)"), ("Ione\n.", "a number that is none (at byte 0)"),
    ("\u{80}\u{5}N.", "protocol 5: 0 to 4 are read (at byte 0)"), ("\u{FF}", "unknown operation 255 (at byte 0)"),
    ("}(K\u{1}u.", "a key without a value (at byte 4)"), ("K\u{1}N a", "unknown operation 32 (at byte 3)"),
    (
      String(repeating: "]", count: 102) + String(repeating: "a", count: 101) + ".",
      "nests more than 100 deep (at byte 202)"
    ),
  ]) func whatIsWrongIsSaid(pickle: String, problem: String) {
    let error = #expect(throws: PickleError.self) { try Pickle(bytes(pickle)) }
    #expect(error?.description == problem)
  }

  @Test func valuesAreCounted() throws {
    for text in [String(repeating: "N", count: 101), "N" + String(repeating: "2", count: 101)] {
      let error = #expect(throws: PickleError.self) { try Pickle(bytes(text), largestCount: 100) }
      #expect(error?.problem == "more than 100 values")
    }
  }

  /// Noise and damaged pickles: an answer or an error, never a trap.
  @Test func damageIsAnError() throws {
    var state: UInt64 = 5
    func random(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
    for round in 0..<20_000 {
      var pickle = PythonsPickles.all[round % PythonsPickles.all.count]
      for _ in 0...random(below: 4) { pickle[random(below: pickle.count)] = UInt8(random(below: 256)) }
      if round % 5 == 0 { pickle = pickle.prefix(random(below: pickle.count)) }
      if let read = try? Pickle(pickle, constructors: ["collections.OrderedDict"], largestCount: 1000) {
        _ = read.root.entries?.map { ($0.key.text, $0.value.bytes, $0.value.items?.count) }
      }
    }
  }
}
