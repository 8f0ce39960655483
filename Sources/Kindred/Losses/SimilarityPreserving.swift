// Similarity-preserving distillation, the method that Kindred is named for.

import Torch

/// SP: Tung & Mori, *Similarity-Preserving Knowledge Distillation*, ICCV 2019, equations 1 to 4.
///
/// For activations A of shape b x ..., flattened to Q (b x n): the Gram matrix Q Q^T, each row divided by its L2 norm,
/// is G (b x b). The loss is the sum over layer pairs of ||G_teacher - G_student||^2 / b^2.
///
/// Agrees with `distiller_zoo/SP.py` of HobbitLong/RepDistiller, which the paper's author verified. Between 0 and 4/b:
/// it shrinks like 1/b, so that a weight belongs to a batch size (the paper's 3000 to b = 128).
///
/// A batch of more than 2,048 inputs is compared some rows of G at a time, each block's gradient with it: memory then grows
/// like b n, and no product is computed twice.
public struct SimilarityPreserving: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "sp", paper: "Tung & Mori, ICCV 2019",
    formula: """
      Q: activations, b x n; G = Q Q^T, each row divided by its L2 norm
      |G_t - G_s|^2 / b^2, the sum over layer pairs
      """,
    agreesWith: "distiller_zoo/SP.py of HobbitLong/RepDistiller", compares: "activations",
    records: "a b x b matrix a layer pair", weight: nil, publishedWeight: "3000 at batch 64 to 128, 200 epochs",
    loneInput: "one row has no similarities")
  public static let settings = [
    Setting.layers(\SimilarityPreserving.layers, "what is compared: any tap, logits and pooled among them")
  ]

  /// The paper and its benchmark use the last stage alone.
  public static let usualLayers: UsualLayers? = .lastStage

  public var layers: [LayerPair] = []

  /// Compares the last stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares these layers, in their order.
  public init(_ layers: [LayerPair]) { self.layers = layers }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let method = try setup.resolved(self)
    for pair in method.layers { _ = try setup.shapes(pair) }
    return method
  }

  public var statistics: Set<TeacherStatistic> { Set(layers.map { .similarity($0.teacher) }) }
  public var request: ActivationRequest { ActivationRequest(taps: Set(layers.map(\.student))) }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    total(
      layers.map { pair in
        let (student, teacher) = (step.student.tap(pair.student), TeacherStatistic.similarity(pair.teacher))
        let blocks = similarityBlocks(of: student)
        guard blocks.count > 1 else { return (similarityMatrix(student) - step.teacher[teacher]).squared().mean() }
        let sum = sumOverBlocks(similarityInput(student), blocks) { all, rows, block in
          (similarities(of: rows, with: all) - step.teacher.rows(block, of: teacher)).squared().sum()
        }
        return sum / Double(student.shape[0] * student.shape[0])
      })
  }
}

extension TeacherStatistic {
  /// The row-normalised Gram matrix of an activation, b x b, float32 or wider.
  public static func similarity(_ tap: String) -> TeacherStatistic {
    relation("similarity", of: tap, compute: similarityMatrix) { activation in
      let blocks = similarityBlocks(of: activation)
      guard blocks.count > 1 else { return nil }
      let rows = similarityInput(activation)
      return MatrixInRows(blocks: blocks) { similarities(of: rows.narrowed(0, $0), with: rows) }
    }
  }
}

/// The row-normalised Gram matrix (b x b) of an activation whose first axis is the batch.
///
/// In float32 at least, since the product overflows in half precision. A row of zeros stays zero and takes no gradient.
public func similarityMatrix(_ activation: Tensor) -> Tensor {
  let rows = similarityInput(activation)
  // Not `gram`, whose gradient is rounded otherwise: published tables were made with this one.
  return rows.matmul(rows.transposed()).normalized()
}

/// Some rows of the matrix, from the flattened activations of these inputs and of all.
private func similarities(of rows: Tensor, with all: Tensor) -> Tensor {
  rows.matmul(all.transposed()).normalized()
}

private func similarityInput(_ activation: Tensor) -> Tensor {
  // Not a precondition, whose words an optimised build leaves out.
  guard activation.shape.count >= 2, activation.shape[0] >= 2 else {
    fatalError(
      "similarities need a batch of at least two inputs: the only entry of a 1 x 1 matrix is 1 whatever the network says"
    )
  }
  let isWide = activation.dtype == .float32 || activation.dtype == .float64
  return (isWide ? activation : activation.to(.float32)).batchRows()
}

private func similarityBlocks(of activation: Tensor) -> [Range<Int>] {
  rowBlocks(of: activation.shape[0], numbersEach: activation.shape[0])
}
