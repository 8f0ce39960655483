// Why the system would not do something, in its own words and without those that Foundation wraps around them.

import Foundation

/// Something that the system would not do.
package struct SystemError: Error, CustomStringConvertible, Sendable, Equatable {
  package let code: Int32
  private let place: String?

  /// - Parameter place: the file or folder, where it is not the one that was asked for.
  package init(_ code: Int32, at place: String? = nil) { (self.code, self.place) = (code, place) }

  package var description: String { (place.map { "\($0): " } ?? "") + systemReason(code) }
}

/// The system's words for an error number, such as `No space left on device`.
package func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }

/// The system's words for what a call of Foundation threw.
package func systemReason(_ error: any Error) -> String {
  var next: NSError? = error as NSError
  while let error = next {
    if error.domain == NSPOSIXErrorDomain { return systemReason(Int32(truncatingIfNeeded: error.code)) }
    next = error.userInfo[NSUnderlyingErrorKey] as? NSError
  }
  switch (error as? CocoaError)?.code {
  case .fileNoSuchFile?, .fileReadNoSuchFile?: return systemReason(ENOENT)
  case .fileReadNoPermission?, .fileWriteNoPermission?: return systemReason(EACCES)
  case .fileWriteOutOfSpace?: return systemReason(ENOSPC)
  case .fileWriteVolumeReadOnly?: return systemReason(EROFS)
  case .fileWriteFileExists?: return systemReason(EEXIST)
  case nil: return "\(error)"
  default: return systemReason(EIO)
  }
}
