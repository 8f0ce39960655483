// The frame of a record in TensorFlow's record files, of which event files are one kind.

import Foundation

/// TensorFlow's record framing: length, checksum of the length, bytes, checksum of the bytes.
package enum RecordFraming {
  /// A record as it stands in a file, numbers in little-endian order.
  package static func framed(_ record: Data) -> Data {
    let length = bytes(of: UInt64(record.count))
    return length + bytes(of: masked(length)) + record + bytes(of: masked(record))
  }

  /// The CRC-32C (Castagnoli) of bytes.
  package static func crc32C(_ data: Data) -> UInt32 {
    ~data.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
  }

  /// A checksum turned and shifted, so that the checksum of bytes that hold checksums stays a good one.
  private static func masked(_ data: Data) -> UInt32 {
    let checksum = crc32C(data)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  private static func bytes(of number: some FixedWidthInteger) -> Data {
    withUnsafeBytes(of: number.littleEndian) { Data($0) }
  }

  /// The remainders of all bytes by the reflected polynomial.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { remainder, _ in remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0x82F6_3B78 }
  }
}
