// Ctrl-C and SIGTERM: the first one asks for a stop after the current step, the second one stops at once.

import Foundation
import Synchronization
import Torch

private let signalCount = Atomic<Int>(0)

enum StopRequest {
  /// Takes over both signals for the rest of the process.
  static func listen() {
    // Touched here, so that the handler does not initialise it.
    signalCount.store(0, ordering: .relaxed)
    // A parent may have started this process with the signals blocked.
    var both = sigset_t()
    sigemptyset(&both)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&both, number)
      signal(number) { _ in
        if signalCount.add(1, ordering: .relaxed).newValue > 1 { _exit(StopRequest.exitStatus) }
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &both, nil)
  }

  static var isPending: Bool { count > 0 || isOrphan }

  /// Whether the command that started this process as one of several is gone: nobody else would end it.
  private static var isOrphan: Bool { launcher.map { getppid() != $0 } ?? false }
  private static let launcher = ProcessInfo.processInfo.environment[Launch.ownMark].flatMap { Int32($0) }

  /// How many signals have come.
  static var count: Int { signalCount.load(ordering: .relaxed) }

  /// The exit status of a run that was stopped on request.
  static let exitStatus: Int32 = 130
}
