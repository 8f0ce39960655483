// The catalogue: every method in one line.

/// The methods of distillation there are.
public enum Methods {
  /// In the order of an objective's terms.
  public static let all: [any Method.Type] = [
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

  /// The method of that name; nil where there is none.
  public static func named(_ name: String) -> (any Method.Type)? { all.first { $0.card.name == name } }
}
