// The machine with a stack whose programs pickles are: it executes what data need, and calls nothing.

import Foundation

/// A value; the values it holds are named by their places among all.
struct PickleNode: Sendable {
  enum Content: Sendable {
    case none
    case flag(Bool)
    case integer(Int)
    /// More than 64 bits, which nobody has asked for yet.
    case long
    case number(Double)
    case bytes(Range<Int>)
    case text(Range<Int>)
    /// What was written with escapes: of Python 2 when it is bytes.
    case decoded(Data, isBytes: Bool)
    case list, tuple, dictionary, set
    case global(String)
    case object(String, arguments: [Int])
    case persistent(Int)
  }

  let content: Content
  var items: [Int] = []
  /// Keys and values in turn.
  var pairs: [Int] = []
  /// What an object was given after it was made.
  var state: Int?
  /// How deep it nests.
  var depth = 0
  /// Whether it stands in another and may no longer change.
  var isSealed = false

  init(_ content: Content) { self.content = content }
}

struct PickleMachine {
  private(set) var nodes: [PickleNode] = []
  private(set) var position = 0
  private var stack: [Int] = []
  /// The stack's heights where marks were set.
  private var marks: [Int] = []
  private var memo: [Int: Int] = [:]
  private let data: Data
  /// nil for all.
  private let constructors: Set<String>?
  private let largestCount: Int
  /// Data nest a few values deep.
  private let largestDepth = 100

  init(_ data: Data, constructors: Set<String>?, largestCount: Int) {
    (self.data, self.constructors, self.largestCount) = (data, constructors, largestCount)
  }

  /// Returns the value on the stack when the pickle says that it ends.
  mutating func run() throws -> Int {
    while true {
      let start = position
      let code = try byte()
      do {
        if code == UInt8(ascii: ".") { return try pop() }
        try execute(code)
        guard stack.count <= largestCount, memo.count <= largestCount else { throw failure(tooMany) }
      } catch let error as PickleError where error.offset < 0 {
        throw PickleError(problem: error.problem, offset: start)
      }
    }
  }

  private var tooMany: String { "more than \(largestCount) values" }

  /// A problem of the operation that is being executed, whose place is filled in by `run`.
  private func failure(_ problem: String) -> PickleError { PickleError(problem: problem, offset: -1) }

  // MARK: Bytes

  private mutating func take(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= data.count - position else {
      throw PickleError(problem: "truncated", offset: data.count)
    }
    defer { position += count }
    return data.startIndex + position..<data.startIndex + position + count
  }

  private mutating func byte() throws -> UInt8 { data[try take(1).lowerBound] }

  /// A little-endian number of up to 8 bytes.
  private mutating func unsigned(_ count: Int) throws -> UInt64 {
    data[try take(count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// As many bytes as the number before them says.
  private mutating func counted(_ size: Int) throws -> Range<Int> {
    guard let count = Int(exactly: try unsigned(size)) else { throw failure("a length beyond every file") }
    return try take(count)
  }

  /// The bytes up to a line's end, which is passed over.
  private mutating func line() throws -> Range<Int> {
    let start = data.startIndex + position
    guard let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) else {
      throw PickleError(problem: "truncated", offset: data.count)
    }
    position = end + 1 - data.startIndex
    return start..<end
  }

  private mutating func word() throws -> String {
    guard let text = String(data: data[try line()], encoding: .utf8) else { throw failure("a line that is not UTF-8") }
    return text
  }

  // MARK: Stack

  private mutating func push(_ content: PickleNode.Content, holding parts: [Int] = []) throws {
    guard nodes.count < largestCount else { throw failure(tooMany) }
    nodes.append(PickleNode(content))
    try enclose(parts, in: nodes.count - 1)
    stack.append(nodes.count - 1)
  }

  private mutating func push(_ content: PickleNode.Content, items: [Int]) throws {
    try push(content, holding: items)
    nodes[nodes.count - 1].items = items
  }

  private mutating func pop() throws -> Int {
    guard stack.count > marks.last ?? 0, let id = stack.popLast() else { throw failure("takes from an empty stack") }
    return id
  }

  /// The value on top, which stays.
  private func top() throws -> Int {
    guard stack.count > marks.last ?? 0, let id = stack.last else { throw failure("looks at an empty stack") }
    return id
  }

  private mutating func popToMark() throws -> [Int] {
    guard let mark = marks.popLast() else { throw failure("a mark is missing") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  /// Parts become those of a container.
  private mutating func enclose(_ parts: [Int], in container: Int) throws {
    guard !nodes[container].isSealed else { throw failure("changes a value that another holds: not read") }
    for part in parts {
      nodes[part].isSealed = true
      nodes[container].depth = max(nodes[container].depth, nodes[part].depth + 1)
    }
    guard !nodes[container].isSealed else { throw failure("a value that holds itself: not read") }
    guard nodes[container].depth <= largestDepth else { throw failure("nests more than \(largestDepth) deep") }
  }

  private mutating func append(_ items: [Int]) throws {
    let container = try top()
    switch nodes[container].content {
    case .list, .set, .object: break
    default: throw failure("appends to what is no list")
    }
    try enclose(items, in: container)
    nodes[container].items += items
  }

  private mutating func setItems(_ pairs: [Int]) throws {
    let container = try top()
    switch nodes[container].content {
    case .dictionary, .object: break
    default: throw failure("sets a key of what is no dict")
    }
    guard pairs.count.isMultiple(of: 2) else { throw failure("a key without a value") }
    try enclose(pairs, in: container)
    nodes[container].pairs += pairs
  }

  private mutating func pushDictionary(_ pairs: [Int]) throws {
    try push(.dictionary)
    try setItems(pairs)
  }

  // MARK: Names and objects

  private mutating func pushGlobal(_ module: String, _ name: String) throws {
    let full = "\(module).\(name)"
    if let constructors, !constructors.contains(full) { throw failure("asks for \(Pickle.printable(full)): not read") }
    try push(.global(full))
  }

  /// Calls nothing: the object says what it would be made from.
  private mutating func pushObject(_ constructor: Int, _ arguments: [Int]) throws {
    guard case .global(let name) = nodes[constructor].content else { throw failure("calls what is no name") }
    try push(.object(name, arguments: arguments), holding: arguments)
  }

  private mutating func arguments() throws -> [Int] {
    let tuple = try pop()
    guard case .tuple = nodes[tuple].content else { throw failure("arguments that are no tuple") }
    return nodes[tuple].items
  }

  private mutating func build() throws {
    let state = try pop()
    let object = try top()
    guard case .object = nodes[object].content else { throw failure("gives a state to what is no object") }
    try enclose([state], in: object)
    nodes[object].state = state
  }

  // MARK: Memo

  private mutating func remember(as key: Int?) throws {
    guard let key, key >= 0 else { throw failure("a wrong place in the memo") }
    memo[key] = try top()
  }

  private mutating func recall(_ key: Int?) throws {
    guard let key, let id = memo[key] else { throw failure("recalls what was not remembered") }
    stack.append(id)
  }

  // MARK: Operations

  private mutating func execute(_ code: UInt8) throws {
    switch code {
    case 0x80:
      let version = try byte()
      guard version <= 4 else { throw failure("protocol \(version): 0 to 4 are read") }
    case 0x95: _ = try unsigned(8)
    case "(": marks.append(stack.count)
    case "0": if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case "1": _ = try popToMark()
    case "2": stack.append(try top())
    case "a":
      let item = try pop()
      try append([item])
    case "e", 0x90: try append(try popToMark())
    case "s":
      let value = try pop()
      let key = try pop()
      try setItems([key, value])
    case "u": try setItems(try popToMark())
    case "b": try build()
    case "p": try remember(as: Int(try word()))
    case "q": try remember(as: Int(try byte()))
    case "r": try remember(as: Int(try unsigned(4)))
    case 0x94: try remember(as: memo.count)
    case "g": try recall(Int(try word()))
    case "h": try recall(Int(try byte()))
    case "j": try recall(Int(try unsigned(4)))
    default: try executeObject(code)
    }
  }

  /// Containers, names and objects.
  private mutating func executeObject(_ code: UInt8) throws {
    switch code {
    case "]": try push(.list)
    case ")": try push(.tuple)
    case "}": try push(.dictionary)
    case 0x8F: try push(.set)
    case "l": try push(.list, items: try popToMark())
    case "t": try push(.tuple, items: try popToMark())
    case 0x91: try push(.set, items: try popToMark())
    case "d": try pushDictionary(try popToMark())
    case 0x85, 0x86, 0x87:
      var items: [Int] = []
      for _ in 0..<(code - 0x84) { items.insert(try pop(), at: 0) }
      try push(.tuple, items: items)
    case "c": try pushGlobal(try word(), try word())
    case 0x93:
      let (name, module) = (nodes[try pop()].content, nodes[try pop()].content)
      guard case .text(let name) = name, case .text(let module) = module else {
        throw failure("a name that is no text")
      }
      try pushGlobal(String(decoding: data[module], as: UTF8.self), String(decoding: data[name], as: UTF8.self))
    case "R", 0x81:
      let arguments = try arguments()
      try pushObject(try pop(), arguments)
    case "o":
      let parts = try popToMark()
      guard let constructor = parts.first else { throw failure("calls nothing") }
      try pushObject(constructor, Array(parts.dropFirst()))
    case "i":
      let arguments = try popToMark()
      try pushGlobal(try word(), try word())
      try pushObject(try pop(), arguments)
    case "P":
      try push(.text(try line()))
      try push(.persistent(try pop()), holding: [nodes.count - 1])
    case "Q":
      let id = try pop()
      try push(.persistent(id), holding: [id])
    case 0x82, 0x83, 0x84: throw failure("asks for an extension: not read")
    default: try executeScalar(code)
    }
  }

  /// Numbers, texts and bytes.
  private mutating func executeScalar(_ code: UInt8) throws {
    switch code {
    case "N": try push(.none)
    case 0x88: try push(.flag(true))
    case 0x89: try push(.flag(false))
    case "K": try push(.integer(Int(try unsigned(1))))
    case "M": try push(.integer(Int(try unsigned(2))))
    case "J": try push(.integer(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
    case 0x8A: try pushLong(try counted(1))
    case 0x8B: try pushLong(try counted(4))
    case "I": try pushDecimal(try word())
    case "L":
      let digits = try word()
      try pushDecimal(digits.hasSuffix("L") ? String(digits.dropLast()) : digits)
    case "F":
      guard let number = Double(try word()) else { throw failure("a number that is none") }
      try push(.number(number))
    case "G": try push(.number(Double(bitPattern: try unsigned(8).byteSwapped)))
    case "U", "C": try push(.bytes(try counted(1)))
    case "T", "B": try push(.bytes(try counted(4)))
    case 0x8E: try push(.bytes(try counted(8)))
    case 0x8C: try push(.text(try counted(1)))
    case "X": try push(.text(try counted(4)))
    case 0x8D: try push(.text(try counted(8)))
    case "S": try pushQuoted(try line())
    case "V": try pushEscaped(try line())
    default: throw failure("unknown operation \(code)")
    }
  }

  /// A little-endian number in two's complement of any size.
  private mutating func pushLong(_ range: Range<Int>) throws {
    guard range.count <= 8 else { return try push(.long) }
    let isNegative = data[range].last.map { $0 >= 0x80 } ?? false
    let value = data[range].reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
    try push(.integer(value))
  }

  private mutating func pushDecimal(_ digits: String) throws {
    switch digits {
    case "00": return try push(.flag(false))
    case "01": return try push(.flag(true))
    default: break
    }
    guard digits.wholeMatch(of: /[-+]?[0-9]+/) != nil else { throw failure("a number that is none") }
    try push(Int(digits).map { .integer($0) } ?? .long)
  }

  /// A `str` of Python 2 as its `repr` writes it: quotes around, and escapes for what is not printable.
  private mutating func pushQuoted(_ line: Range<Int>) throws {
    let quoted = data[line]
    guard quoted.count >= 2, let quote = quoted.first, quote == quoted.last, "'\"".utf8.contains(quote) else {
      throw failure("a text without quotes")
    }
    var bytes = Data()
    var rest = quoted.dropFirst().dropLast()
    while let next = rest.popFirst() {
      guard next == UInt8(ascii: "\\") else {
        bytes.append(next)
        continue
      }
      guard let kind = rest.popFirst() else { throw failure("an escape without an end") }
      switch kind {
      case "n": bytes.append(0x0A)
      case "r": bytes.append(0x0D)
      case "t": bytes.append(0x09)
      case "x":
        guard let byte = number(&rest, digits: 2).flatMap({ UInt8(exactly: $0) }) else {
          throw failure("a wrong escape")
        }
        bytes.append(byte)
      case "\\", "'", "\"": bytes.append(kind)
      default: throw failure("an unknown escape")
      }
    }
    try push(.decoded(bytes, isBytes: true))
  }

  /// A text in Python's raw-unicode-escape: Latin-1, and \u or \U with digits.
  private mutating func pushEscaped(_ line: Range<Int>) throws {
    var text = String.UnicodeScalarView()
    var rest = data[line]
    while let next = rest.popFirst() {
      guard next == UInt8(ascii: "\\"), let kind = rest.first, "uU".utf8.contains(kind) else {
        text.append(Unicode.Scalar(next))
        continue
      }
      rest.removeFirst()
      guard let scalar = number(&rest, digits: kind == UInt8(ascii: "u") ? 4 : 8).flatMap(Unicode.Scalar.init) else {
        throw failure("a wrong escape")
      }
      text.append(scalar)
    }
    try push(.decoded(Data(String(text).utf8), isBytes: false))
  }

  private func number(_ rest: inout Data, digits: Int) -> UInt32? {
    let text = String(decoding: rest.prefix(digits), as: UTF8.self)
    guard text.utf8.count == digits, text.allSatisfy(\.isHexDigit) else { return nil }
    rest = rest.dropFirst(digits)
    return UInt32(text, radix: 16)
  }
}

/// Operations are named by characters.
private func ~= (character: Unicode.Scalar, code: UInt8) -> Bool { UInt8(ascii: character) == code }
