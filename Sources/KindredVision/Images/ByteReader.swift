// Whole numbers out of bytes that may lie about their length.

/// Reads within its bytes and nowhere else: nil stands for what lies outside.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  let isBigEndian: Bool

  init(_ bytes: UnsafeRawBufferPointer, isBigEndian: Bool = true) {
    (self.bytes, self.isBigEndian) = (bytes, isBigEndian)
  }

  func uint8(_ offset: Int) -> Int? { bytes.indices.contains(offset) ? Int(bytes[offset]) : nil }

  func uint16(_ offset: Int) -> Int? { integer(UInt16.self, offset).map(Int.init) }

  func uint32(_ offset: Int) -> Int? { integer(UInt32.self, offset).map(Int.init) }

  /// The part that begins at an offset, of a length that must be there.
  func part(_ offset: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  private func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ type: Integer.Type, _ offset: Int) -> Integer? {
    guard let part = part(offset, count: MemoryLayout<Integer>.size) else { return nil }
    let value = part.loadUnaligned(as: Integer.self)
    return isBigEndian ? Integer(bigEndian: value) : Integer(littleEndian: value)
  }
}
