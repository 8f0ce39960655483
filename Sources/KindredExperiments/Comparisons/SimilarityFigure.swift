// The paper's figure of similarity matrices: teacher and students on one test batch, sorted by class.

import Kindred
import KindredReport
import KindredVision
import Torch

/// Draws what each network finds alike in a batch with the same number of images of every class.
package struct SimilarityFigure {
  private let batch: Batch
  private let labels: [Int]
  private let classNames: [String]

  /// - Parameter perClass: how many images of each class, the first of the set.
  /// - Throws: `DataError` naming a file that cannot be read.
  package init(_ images: ImageSet, perClass: Int = 12) throws {
    let order = images.classNames.indices.flatMap { label in
      images.labels.indices.filter { Int(images.labels[$0]) == label }.prefix(perClass)
    }
    let sorted = images.selecting(order)
    labels = sorted.labels.map(Int.init)
    classNames = images.classNames
    var batches = EvaluationImages(sorted, batchSize: sorted.count).batches()
    guard let batch = try batches.next() else { preconditionFailure("a figure of no images") }
    self.batch = batch
  }

  /// The networks' row-normalised Gram matrices of the last stage, in evaluation mode, side by side.
  package func picture(_ networks: [(title: String, network: Network)]) -> Picture {
    let panels = networks.map { title, network in
      let inputShape = Array(batch.student.shape.dropFirst())
      guard let tap = network.description(name: title, inputShape: inputShape).stages.last else {
        preconditionFailure("\(title) names no stages")
      }
      let activations = withoutGradients {
        network.activations(of: batch.student, ActivationRequest(taps: [tap])).tap(tap)
      }
      return SimilarityPicture.Panel(
        title: title, matrix: similarityMatrix(activations).elements(), size: labels.count)
    }
    let picture = SimilarityPicture(
      panels: panels, classStarts: SimilarityPicture.classStarts(ofSorted: labels), classNames: classNames)
    return picture.draw()
  }
}
