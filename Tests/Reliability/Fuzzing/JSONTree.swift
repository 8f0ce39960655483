// JSON that may be wrong in every way: a key twice, numbers no machine has, lists in lists in lists.

import Foundation
import Kindred
import KindredVision

indirect enum JSONTree {
  case object([(key: String, value: JSONTree)])
  case list([JSONTree])
  case string(String)
  /// Written as it stands.
  case raw(String)

  init(_ json: Data) throws { self.init(try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed)) }

  private init(_ value: Any) {
    switch value {
    case let fields as [String: Any]:
      self = .object(fields.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONTree($0.value)) })
    case let items as [Any]: self = .list(items.map { JSONTree($0) })
    case let text as String: self = .string(text)
    case let number as NSNumber: self = .raw("\(number)")
    default: self = .raw("null")
    }
  }

  var text: String {
    switch self {
    case .object(let fields):
      "{" + fields.map { "\(JSONTree.quoted($0.key)):\($0.value.text)" }.joined(separator: ",") + "}"
    case .list(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
    case .string(let text): JSONTree.quoted(text)
    case .raw(let text): text
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\u{0}"..."\u{1F}": quoted += String(format: "\\u%04x", scalar.value)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  subscript(key: String) -> JSONTree? {
    get {
      guard case .object(let fields) = self else { return nil }
      return fields.first { $0.key == key }?.value
    }
    set {
      guard case .object(var fields) = self else { return }
      fields.removeAll { $0.key == key }
      if let newValue { fields.append((key: key, value: newValue)) }
      self = .object(fields)
    }
  }

  private var count: Int {
    switch self {
    case .object(let fields): fields.reduce(1) { $0 + $1.value.count }
    case .list(let items): items.reduce(1) { $0 + $1.count }
    default: 1
    }
  }

  /// Changes one value somewhere in it.
  mutating func mutate(_ random: inout SplitMix64) {
    var place = random.index(count)
    change(&place, &random)
  }

  private mutating func change(_ place: inout Int, _ random: inout SplitMix64) {
    guard place > 0 else {
      if place == 0 { self = changed(&random) }
      place -= 1
      return
    }
    place -= 1
    switch self {
    case .object(var fields):
      for index in fields.indices where place >= 0 { fields[index].value.change(&place, &random) }
      self = .object(fields)
    case .list(var items):
      for index in items.indices where place >= 0 { items[index].change(&place, &random) }
      self = .list(items)
    default: break
    }
  }

  private func changed(_ random: inout SplitMix64) -> JSONTree {
    if random.oneIn(3) { return JSONTree.strange(&random) }
    switch self {
    case .object(let fields): return .object(JSONTree.changed(fields, &random))
    case .list(let items): return .list(JSONTree.changed(items, &random))
    case .raw(let text):
      guard let number = Int(text) else { return JSONTree.strange(&random) }
      return .raw("\(random.pick([number &+ 1, number &- 1, number &* 2, 0 &- number, number / 2]))")
    case .string(let text): return .string(random.pick([text + text, String(text.dropLast()), text.uppercased(), ""]))
    }
  }

  private static func changed(
    _ fields: [(key: String, value: JSONTree)], _ random: inout SplitMix64
  ) -> [(key: String, value: JSONTree)] {
    guard !fields.isEmpty else { return [(key: random.pick(strings), value: strange(&random))] }
    var fields = fields
    let place = random.index(fields.count)
    switch random.index(6) {
    case 0: fields.remove(at: place)
    case 1: fields.append(fields[place])
    case 2: fields[place].key = random.pick(strings)
    case 3: fields[place].value = fields[random.index(fields.count)].value
    case 4: fields.insert((key: random.pick(strings), value: strange(&random)), at: place)
    default:
      guard random.oneIn(20) else { return fields + [(key: fields[place].key, value: strange(&random))] }
      for index in 0..<random.index(1000) { fields.append((key: "\(index)", value: fields[place].value)) }
    }
    return fields
  }

  private static func changed(_ items: [JSONTree], _ random: inout SplitMix64) -> [JSONTree] {
    guard !items.isEmpty else { return [strange(&random)] }
    var items = items
    let place = random.index(items.count)
    switch random.index(5) {
    case 0: items.remove(at: place)
    case 1: items.insert(items[place], at: place)
    case 2: items[place] = strange(&random)
    case 3: items.reverse()
    default:
      items.append(contentsOf: Array(repeating: items[place], count: random.index(random.oneIn(20) ? 5000 : 9)))
    }
    return items
  }

  static let strings = [
    "", " ", "0", "1", "F32", "I64", "BOOL", "F8_E4M3", "dtype", "shape", "data_offsets", "__metadata__", "progress",
    "stage1", "stage2", "logits", "\u{0}", "\n", "../../x", "ä", "e\u{301}", "\u{202E}", "NaN", "null",
    String(repeating: "x", count: 3000),
  ]

  private static let numbers = [
    "0", "-0", "-1", "1", "2", "1.5", "1e3", "1e308", "1e400", "-1e400", "1e-400", "2147483647", "2147483648",
    "4294967295", "4294967296", "1099511627776", "4611686018427387904", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "01", "0x10",
    "1e", String(repeating: "9", count: 400),
  ]

  /// A value that is not meant there.
  static func strange(_ random: inout SplitMix64) -> JSONTree {
    switch random.index(10) {
    case 0...3: return .raw(random.pick(numbers))
    case 4: return .string(random.pick(strings))
    case 5: return .raw(random.pick(["null", "true", "false", "NaN", "\"\\ud800\"", "\"\\q\"", "", "}", "]", ","]))
    case 6: return random.oneIn(2) ? .list([]) : .object([])
    case 7: return .list((0..<random.index(6)).map { _ in .raw(random.pick(numbers)) })
    case 8:
      let depth = random.pick([2, 30, 511, 513, 5000])
      let (open, close) = random.pick([("[", "]"), ("{\"a\":", "}"), ("[", "")])
      return .raw(String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth))
    default: return .object([(key: random.pick(strings), value: .raw(random.pick(numbers)))])
    }
  }
}
