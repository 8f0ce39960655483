// The catalogue: every method in one line.

import Synchronization

/// The methods of distillation there are.
public enum Methods {
  /// In the order of an objective's terms; those that a program has added come last.
  public static var all: [any Method.Type] { own + added.withLock { $0 } }

  private static let own: [any Method.Type] = [
    SimilarityPreserving.self,
    KnowledgeDistillation.self,
    AttentionTransfer.self,
    Hint.self,
    DecoupledKnowledgeDistillation.self,
    DIST.self,
    NormalizedKnowledgeDistillation.self,
    TransformedTeacherMatching.self,
    WeightedTransformedTeacherMatching.self,
    RelationalKnowledgeDistillation.self,
    ProbabilisticKnowledgeTransfer.self,
    NeuronSelectivityTransfer.self,
    StreamlinedKnowledgeDistillation.self,
    CentredKernelAlignment.self,
    CorrelationCongruenceKernel.self,
    VariationalInformationDistillation.self,
    CorrelationCongruence.self,
    SoftmaxRegression.self,
    InformationTheoreticDistillation.self,
    InterChannelCorrelation.self,
    ContrastiveRepresentationDistillation.self,
    ActivationBoundaries.self,
    FlowOfSolutionProcedure.self,
    ReusedTeacherClassifier.self,
    KnowledgeReview.self,
    FeatureDistillationOverhaul.self,
  ]

  private static let added = Mutex<[any Method.Type]>([])

  /// What stands beside methods where losses are named.
  private static let reserved = [Objective.crossEntropyID, "label_smoothing", "loss"]

  /// Makes methods of a program's own known by their names wherever Kindred's are. A program does so before anything else:
  /// what was looked up before does not know them.
  /// - Parameter methods: in the order of an objective's terms.
  /// - Throws: `CatalogueError` for a name that is taken, or cannot be one; nothing is added then.
  public static func add(_ methods: [any Method.Type]) throws {
    try added.withLock { added in
      var all = own + added
      for method in methods {
        let name = method.card.name
        let isTaken = reserved.contains(name) || all.contains { $0.card.name == name }
        try CatalogueError.check(name, of: "method", isTaken: isTaken)
        all.append(method)
      }
      added += methods
    }
  }

  /// The method of that name; nil where there is none.
  public static func named(_ name: String) -> (any Method.Type)? { all.first { $0.card.name == name } }
}
