// SVG documents read back by Foundation's XML parser, and the pictures in them by libpng.

import CPNG
import Foundation
import FoundationXML
import KindredReport
import Testing

/// What a document holds.
final class ReadSVG: NSObject, XMLParserDelegate {
  struct Element {
    let name: String
    let attributes: [String: String]
    var text = ""

    func number(_ attribute: String) -> Double { attributes[attribute].flatMap(Double.init) ?? .nan }
  }

  /// In the order of the document.
  private(set) var elements: [Element] = []
  private var open: [Int] = []

  init(_ document: SVGDocument) throws {
    super.init()
    let parser = XMLParser(data: Data(document.xml.utf8))
    parser.delegate = self
    guard parser.parse() else { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  subscript(name: String) -> [Element] { elements.filter { $0.name == name } }

  var texts: [String] { self["text"].map(\.text) }

  /// The pictures, each with its box.
  func pictures() throws -> [(picture: Picture, x: Double, y: Double, width: Double, height: Double)] {
    try self["image"].map { image in
      let prefix = "data:image/png;base64,"
      let link = try #require(image.attributes["href"])
      #expect(link.hasPrefix(prefix))
      let data = try #require(Data(base64Encoded: String(link.dropFirst(prefix.count))))
      return (
        try Picture(png: data), image.number("x"), image.number("y"), image.number("width"), image.number("height")
      )
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(elements.count)
    elements.append(Element(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if let index = open.last { elements[index].text += text }
  }

  func parser(_ parser: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }
}

extension Picture {
  init(png: Data) throws {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    self = try png.withUnsafeBytes { file in
      try #require(png_image_begin_read_from_memory(&image, file.baseAddress, file.count) != 0)
      image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
      var bytes = [UInt8](repeating: 0, count: Int(image.width * image.height * 3))
      try #require(png_image_finish_read(&image, nil, &bytes, 0, nil) != 0)
      return Picture(width: Int(image.width), height: Int(image.height), bytes: bytes)
    }
  }
}
