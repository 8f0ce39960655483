// From a report's data to one file that needs no other.

import Files
import Foundation
import Mustache

extension ReportPage {
  /// The page.
  package var html: String {
    var numbers = PageNumbers()
    let context: [String: Any] = [
      "title": title, "subtitle": subtitle, "style": PageTemplate.style, "script": PageTemplate.script,
      "date": Format.moment(date), "day": Format.day(Format.moment(date)),
      "milliseconds": "\(Int(date.timeIntervalSince1970 * 1000))",
      "unfinished": isUnfinished, "sections": sections.map { $0.context(&numbers) },
      "sheets": numbers.sheets.map {
        ["id": $0.id, "side": "\($0.side)", "columns": "\($0.columns)", "png": $0.picture.link]
      },
    ]
    guard let page = PageTemplate.library.render(context, withTemplate: "page") else {
      preconditionFailure("the library has the page")
    }
    return page
  }

  /// Saves it; the file appears whole or not at all, and what was there before stays if it fails.
  /// - Throws: `SystemError`, for instance if the folder is missing or the disk is full.
  package func write(to file: URL) throws(SystemError) { try AtomicFile.write(Data(html.utf8), to: file) }
}

/// Numbers for what must have a name of its own in a page, and the sheets that were met.
private struct PageNumbers {
  private var last = 0
  private(set) var sheets: [PictureSheet] = []

  mutating func next() -> String {
    last += 1
    return "n\(last)"
  }

  mutating func note(_ sheet: PictureSheet?) {
    if let sheet, !sheets.contains(where: { $0.id == sheet.id }) { sheets.append(sheet) }
  }
}

extension ReportSection {
  fileprivate func context(_ numbers: inout PageNumbers) -> [String: Any] {
    ["id": id, "heading": title, "blocks": blocks.map { $0.context(&numbers) }]
  }
}

extension ReportBlock {
  private static let kinds = [
    "text", "note", "list", "code", "table", "figures", "matrices", "pictures", "details",
  ]

  /// One entry, by which the template tells what it is. The others are there too: what is missing is looked for in the block
  /// around it.
  fileprivate func context(_ numbers: inout PageNumbers) -> [String: Any] {
    Dictionary(uniqueKeysWithValues: Self.kinds.map { ($0, false as Any) }).merging(kind(&numbers)) { $1 }
  }

  private func kind(_ numbers: inout PageNumbers) -> [String: Any] {
    switch self {
    case .text(let text): return ["text": ["words": text]]
    case .note(let text): return ["note": ["words": text]]
    case .list(let items): return ["list": ["items": items.map { ["words": $0] }]]
    case .code(let text): return ["code": ["words": text]]
    case .table(let table): return ["table": table.context(numbers.next())]
    case .figures(let figures): return ["figures": ["svgs": figures.map { ["svg": $0.markup(id: numbers.next())] }]]
    case .matrices(let matrices): return ["matrices": ["items": matrices.map { $0.context(&numbers) }]]
    case .pictures(let pictures):
      return ["pictures": ["items": pictures.map { ["png": $0.picture.link, "caption": $0.caption] }]]
    case .details(let title, let isOpen, let blocks):
      return ["details": ["summary": title, "open": isOpen, "blocks": blocks.map { $0.context(&numbers) }]]
    }
  }
}

extension ReportTable {
  fileprivate func context(_ id: String) -> [String: Any] {
    func cell(_ cell: Cell, _ column: Int) -> [String: Any] {
      var context: [String: Any] = ["words": cell.text, "number": columns[column].isNumber, "name": column == 0]
      if let shade = cell.shade, shade.isFinite {
        context["shade"] = Format.decimal(min(max(shade, 0), 1) * 100, places: 0)
      }
      return context
    }
    return [
      "id": id, "caption": caption, "titled": !caption.isEmpty,
      "heads": columns.map { ["words": $0.title, "number": $0.isNumber] as [String: Any] },
      "rows": rows.map { row in ["cells": row.enumerated().map { cell($1, $0) }] },
    ]
  }
}

extension ReportMatrix {
  fileprivate func context(_ numbers: inout PageNumbers) -> [String: Any] {
    numbers.note(rows.sheet)
    numbers.note(columns.sheet)
    let shown = values.map { $0.isFinite ? $0 : .nan }
    let (low, high) = (shown.filter(\.isFinite).min() ?? 0, shown.filter(\.isFinite).max() ?? 1)
    let picture = Picture(width: columns.names.count, height: rows.names.count, colours: values.map(scale.colour))
    return [
      "id": numbers.next(), "title": title, "png": picture.link, "rows": "\(rows.names.count)",
      "columns": "\(columns.names.count)", "low": "\(low)", "high": "\(high)",
      "darkest": scale.label(0), "lightest": scale.label(1), "values": coded(shown, low, high),
      "rownames": json(rows.names), "columnnames": columns.names == rows.names ? "" : json(columns.names),
      "rowsheet": rows.sheet?.id ?? "", "columnsheet": columns.sheet?.id ?? "",
      "groups": rows.groups.map { ["words": $0.name, "size": "\($0.count)"] }, "grouped": !rows.groups.isEmpty,
      "pictured": rows.sheet != nil, "tall": columns.names.count > 2 * rows.names.count,
    ]
  }

  /// In 65,535 steps from the lowest to the highest, two bytes each, the lower one first; what is no number is the last one.
  private func coded(_ values: [Float], _ low: Float, _ high: Float) -> String {
    let range = Double(high) - Double(low)
    let bytes = values.flatMap { value -> [UInt8] in
      let share = range > 0 ? (Double(value) - Double(low)) / range : 0
      let step = value.isNaN ? UInt16.max : UInt16((share * 65_534).rounded())
      return [UInt8(step & 255), UInt8(step >> 8)]
    }
    return Data(bytes).base64EncodedString()
  }

  private func json(_ names: [String]) -> String {
    String(decoding: (try? JSONEncoder().encode(names)) ?? Data("[]".utf8), as: UTF8.self)
  }
}

extension Picture {
  /// As an address that holds the picture.
  fileprivate var link: String { "data:image/png;base64,\(pngData().base64EncodedString())" }
}
