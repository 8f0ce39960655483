// From the gradients of batches to parameters: all that lies between a backward pass and the next batch.

import Torch

/// The optimiser, with what is done to gradients before it and to weights after it.
final class ParameterUpdates {
  let optimizer: any Optimizer
  /// nil where each batch makes a step.
  let accumulation: GradientAccumulation?
  /// nil where none is kept.
  let average: ExponentialMovingAverage?
  private let parameters: [Tensor]
  private let recipe: Recipe

  /// Over all processes, between the backward pass and all else; nil for a process alone.
  private let gradients: GradientAverage?

  /// - Parameter optimizer: nil for the recipe's own.
  init(
    _ recipe: Recipe, student: Network, objective: Objective, optimizer: (any Optimizer)?, in group: ProcessGroup
  ) {
    let trained = TrainedParameter.all(student: student, objective: objective)
    self.recipe = recipe
    parameters = trained.map(\.tensor)
    self.optimizer = optimizer ?? recipe.optimizer.optimizer(over: recipe.groups(trained))
    accumulation = recipe.accumulate > 1 ? GradientAccumulation(parameters) : nil
    average = recipe.ema.map { ExponentialMovingAverage(of: student, decay: $0) }
    gradients = group.isShared ? GradientAverage(parameters, in: group, overlaps: recipe.accumulate == 1) : nil
  }

  /// What belongs to a batch's backward pass, and is captured with it.
  /// - Throws: `ProcessGroupError`.
  func take(_ metrics: StepMetrics) throws {
    guard let accumulation else { return try step(metrics) }
    accumulation.add()
  }

  /// What follows a batch and is never captured: it differs from batch to batch, or has numbers that no replay would see.
  /// - Throws: `ProcessGroupError`.
  func finish(_ position: BatchPosition, of batchesPerEpoch: Int, _ metrics: StepMetrics) throws {
    let plan = UpdatePlan(batches: recipe.accumulate, batchesPerEpoch: batchesPerEpoch)
    guard plan.endsStep(position.batch) else { return }
    if let accumulation {
      accumulation.give(meanOf: plan.size(of: position.batch))
      try step(metrics)
    }
    average?.update(step: plan.step(position))
  }

  private func step(_ metrics: StepMetrics) throws {
    try gradients?.finish()
    if let largest = recipe.clipGradients, let norm = clipGradients(of: parameters, toNorm: largest) {
      metrics.add(gradientNorm: norm)
    }
    optimizer.step()
  }
}
