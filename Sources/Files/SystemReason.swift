// Why the system would not do something, in its own words and without those that Foundation wraps around them.

import Foundation

/// The system's words for an error number, such as `No space left on device`.
package func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }

/// The system's words for what a call of Foundation threw.
package func systemReason(_ error: any Error) -> String {
  var next: NSError? = error as NSError
  while let error = next {
    if error.domain == NSPOSIXErrorDomain { return systemReason(Int32(truncatingIfNeeded: error.code)) }
    next = error.userInfo[NSUnderlyingErrorKey] as? NSError
  }
  guard let code = (error as? CocoaError)?.code else { return "\(error)" }
  switch code {
  case .fileNoSuchFile, .fileReadNoSuchFile: return systemReason(ENOENT)
  case .fileReadNoPermission, .fileWriteNoPermission: return systemReason(EACCES)
  case .fileWriteOutOfSpace: return systemReason(ENOSPC)
  case .fileWriteVolumeReadOnly: return systemReason(EROFS)
  case .fileWriteFileExists: return systemReason(EEXIST)
  default: return systemReason(EIO)
  }
}
