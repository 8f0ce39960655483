// What the command finds around it, before it does anything.

import Files
import Foundation
import KindredExperiments

enum Surroundings {
  /// Makes ready for a reader that goes away and for closed outputs, and refuses names that are no text.
  /// - Throws: `RunError`.
  static func prepare() throws {
    // A reader that has gone must not end a training. A handler, which children do not inherit as they would inherit
    // that the signal is ignored.
    signal(SIGPIPE) { _ in }
    // Else the first file that is opened would take an output's number, and get what is printed.
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDONLY)
    }
    try checkArguments()
    try checkFolder()
  }

  private static func checkArguments() throws {
    for case let argument? in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
    where String(validatingCString: argument) == nil {
      throw RunError("the argument '\(escaped(argument))' is not UTF-8; rename what it names")
    }
  }

  private static func checkFolder() throws {
    guard let folder = getcwd(nil, 0) else {
      throw RunError("the current folder cannot be found: \(systemReason(errno)); change to another one")
    }
    defer { free(folder) }
    guard String(validatingCString: folder) != nil else {
      throw RunError("the current folder '\(escaped(folder))' has a name that is not UTF-8; change to another one")
    }
  }

  /// Everything that is not plain ASCII as `\xE9`.
  private static func escaped(_ text: UnsafePointer<CChar>) -> String {
    UnsafeBufferPointer(start: text, count: strlen(text)).map { character in
      let byte = UInt8(bitPattern: character)
      guard !(0x20..<0x7F).contains(byte) else { return String(UnicodeScalar(byte)) }
      return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}
