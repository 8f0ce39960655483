// Training steps over several processes, each of which its launcher tells its rank.

import ArgumentParser
import Foundation
import Kindred
import KindredVision
import Torch

/// Times whole steps of a run over the processes of its environment, or of a process alone.
struct ScaleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "scale", abstract: "Time steps over several processes.")

  @OptionGroup var setting: Setting
  @Flag(help: "Print one line of JSON, as pytorch_scale.py does.") var json = false

  private struct Report: Encodable {
    let engine = "kindred"
    let rank: Int
    let processes: Int
    let imagesPerSecond: Double
    /// What each process puts into sums and gathers in a step.
    let bytes: Double
    /// Of a step's time what this process waits for exchanges.
    let waiting: Double
  }

  func run() throws {
    prepareRuntime(threads: setting.threads)
    let launch = try Launch(ProcessInfo.processInfo.environment)
    let meeting = try launch.map { try Meeting($0, facts: [:], timeout: 120) }
    let group = meeting?.group ?? ProcessGroup()
    var seconds: [Double] = []
    var traffic = group.traffic
    let events = try distiller(group).events(on: batches(group))
    var last = ContinuousClock.now
    while let event = try events.next() {
      guard case .step(let report) = event else { continue }
      _ = try report.loss()
      let now = ContinuousClock.now
      if report.position.epoch >= setting.warmup { seconds.append((now - last) / .seconds(1)) }
      if report.position.epoch == setting.warmup - 1 { traffic = group.traffic }
      last = now
    }
    let (steps, total) = (Double(seconds.count), seconds.reduce(0, +))
    try printJSON(
      Report(
        rank: group.rank.index, processes: group.rank.count, imagesPerSecond: Double(setting.batch) / median(seconds),
        bytes: Double(group.traffic.bytes - traffic.bytes) / steps,
        waiting: (group.traffic.seconds - traffic.seconds) / total), oneLine: json)
    try group.leave()
  }

  private func distiller(_ group: ProcessGroup) throws -> Distiller {
    let student = try setting.architecture(setting.student).network(classes: 10, generator: Generator(seed: 1))
    let teacher = try setting.architecture(setting.teacher).network(classes: 10, generator: Generator(seed: 2))
    for network in [student, teacher] { network.move(to: .cpu) }
    let objective = StepRun.objective
    let recipe = Recipe(
      epochs: setting.warmup + setting.steps, batchSize: setting.batch,
      optimizer: .sgd(SGD.Options(learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4)),
      evaluateEvery: Int(Int32.max), threads: setting.threads)
    return Distiller(
      student: student, teacher: LiveTeacher(teacher, needs: objective.needs(in: group)), objective: objective,
      recipe: recipe, group: group)
  }

  private func batches(_ group: ProcessGroup) -> ImageBatches {
    StepRun.batches(of: setting.batch, steps: setting.warmup + setting.steps, rank: group.rank)
  }
}
