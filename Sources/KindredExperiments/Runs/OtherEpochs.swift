// Going on with a run beyond the epochs that it was planned for.

import Foundation
import Kindred
import Torch

extension Configuration {
  /// Whether this is another run but for its number of epochs and what its schedule makes of it.
  func isWithOtherEpochs(_ other: Configuration) -> Bool {
    guard training.epochs != other.training.epochs else { return false }
    var same = other
    (same.training.epochs, same.training.schedule) = (training.epochs, training.schedule)
    return difference(from: same) == nil
  }

  /// Why a run that has some epochs behind it cannot go on with these settings; nil where it can: where all these epochs
  /// had the learning rates that they would have had.
  func obstacle(goingOnFrom other: Configuration, after done: Int) -> String? {
    guard done <= training.epochs else {
      return "it has \(done) epochs behind it; use --epochs \(done) or more"
    }
    guard
      let epoch = (0..<done).first(where: { training.learningRate(epoch: $0) != other.training.learningRate(epoch: $0) }
      )
    else {
      return nil
    }
    return "with \(training.epochs) epochs its schedule gives epoch \(epoch + 1) a learning rate of "
      + "\(training.learningRate(epoch: epoch)), and it had \(other.training.learningRate(epoch: epoch)); only what does not depend on the "
      + "number of epochs can go on, such as milestones that the file names, or a constant rate"
  }
}
