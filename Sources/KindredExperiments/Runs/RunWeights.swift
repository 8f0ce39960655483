// Which of a run's files of weights stands for the run.

import Foundation
import KindredReport

/// The weights that are wanted of a run.
package enum RunWeights: Sendable {
  /// The last ones, or their moving average where that was better in the last evaluation.
  case last
  /// Those of the best evaluation.
  case best
}

extension RunFolder {
  /// The file of the wanted weights; nil where there is none.
  func file(of wanted: RunWeights) -> URL? {
    let file =
      switch wanted {
      case .last: averageIsBetter ? averageWeights : weights
      case .best: lastBest ?? bestWeights
      }
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }

  /// The last weights or their average, where none were better.
  private var lastBest: URL? {
    guard let result = try? readResult(), result.isLastBest else { return nil }
    return result.best?.isAverage == true ? averageWeights : weights
  }

  private var averageIsBetter: Bool {
    guard FileManager.default.fileExists(atPath: averageWeights.path), let result = try? readResult() else {
      return false
    }
    return result.isAverageBetter
  }

  /// What is to be said of a choice among several weights; nil where there was none.
  /// - Parameter metadata: of the file that was chosen.
  func remark(on wanted: RunWeights, _ metadata: [String: String]) -> String? {
    switch wanted {
    case .last:
      guard let result = try? readResult(), let average = result.average, let accuracy = result.accuracyPercent else {
        return nil
      }
      let (own, mean) = (Format.percentage(accuracy), Format.percentage(average.accuracyPercent))
      return averageIsBetter
        ? "\(name): the moving average of the weights, which was better in the last evaluation (\(mean), the weights \(own))"
        : "\(name): the last weights, in the last evaluation no worse than their moving average (\(own), the average \(mean))"
    case .best:
      let known = (try? readResult())?.best?.facts ?? [:]
      let metadata = known.merging(metadata) { $1 }
      guard let epoch = metadata["epoch"], let accuracy = metadata["accuracy_percent"].flatMap({ Double($0) }) else {
        return nil
      }
      return "\(name): the weights after epoch \(epoch), the best of all evaluations (\(Format.percentage(accuracy)))"
    }
  }
}
