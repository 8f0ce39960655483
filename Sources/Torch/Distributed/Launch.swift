// How this process was started: alone, or as one of several by a launcher that says so in its environment.

import Foundation

/// A process's place among others, as its launcher describes it.
public struct Launch: Sendable, Equatable {
  /// Who starts processes.
  public enum Launcher: String, Sendable, CaseIterable {
    case kindred = "kindred --processes"
    case torchrun
    case variables = "RANK and WORLD_SIZE"
    case kubeflow = "Kubeflow"
    case slurm = "Slurm"
    case openMPI = "Open MPI"
  }

  public let launcher: Launcher
  /// Which of the processes this is. Under Kubeflow with several processes a pod, that of the pod's first.
  public let rank: Rank
  /// How many processes are to be started here, for a launcher that leaves that to us; 1 for all others.
  public let processesToStart: Int
  /// Where the processes meet.
  public let host: String
  /// The port there.
  public let port: Int
  /// Whether the launcher serves the store where they meet; else the first rank does.
  public let isStoreServed: Bool
  /// Which run this is, and which attempt at it: processes of another one are not met.
  public let attempt: String
  /// How often the launcher has started all again after a failure.
  public let restarts: Int

  /// What an environment says; nil for a process alone.
  /// - Throws: `ProcessGroupError` for variables that contradict each other, or say too little.
  public init?(_ environment: [String: String]) throws {
    let variables = Variables(environment)
    if let own = try Launch.ranked(variables) ?? Launch.kubeflow(variables) ?? Launch.slurm(variables)
      ?? Launch.openMPI(variables)
    {
      self = own
    } else {
      return nil
    }
  }

  /// Whether a launcher has started this process anew after a failure, so that what was saved is to be gone on from.
  public static var isRestarted: Bool {
    get throws { try Launch(ProcessInfo.processInfo.environment).map { $0.restarts > 0 } ?? false }
  }

  private init(
    _ launcher: Launcher, _ rank: Rank, host: String, port: Int, isStoreServed: Bool = false, attempt: String = "",
    restarts: Int = 0, processesToStart: Int = 1
  ) {
    (self.launcher, self.rank, self.host, self.port) = (launcher, rank, host, port)
    (self.isStoreServed, self.attempt, self.restarts) = (isStoreServed, attempt, restarts)
    self.processesToStart = processesToStart
  }

  /// torchrun's variables, which others set as well (TorchX, Ray Train, PyTorchJob).
  private static func ranked(_ variables: Variables) throws -> Launch? {
    guard variables["RANK"] != nil, variables["WORLD_SIZE"] != nil else { return nil }
    let rank = try variables.rank("RANK", of: "WORLD_SIZE")
    guard let host = variables["MASTER_ADDR"] else {
      throw ProcessGroupError("RANK and WORLD_SIZE are set, but not MASTER_ADDR, where the processes meet")
    }
    let run = variables["TORCHELASTIC_RUN_ID"]
    let restarts = try variables.number("TORCHELASTIC_RESTART_COUNT") ?? 0
    let isOwn = variables[Launch.ownMark] != nil
    return Launch(
      isOwn ? .kindred : run == nil ? .variables : .torchrun, rank, host: host,
      port: try variables.number("MASTER_PORT") ?? defaultPort,
      isStoreServed: variables["TORCHELASTIC_USE_AGENT_STORE"] == "True",
      attempt: "\(run ?? "run")/\(restarts)", restarts: restarts)
  }

  /// Kubeflow Trainer's, which are meant for torchrun: a pod for each node.
  private static func kubeflow(_ variables: Variables) throws -> Launch? {
    guard variables["PET_NNODES"] != nil, variables["PET_NODE_RANK"] != nil else { return nil }
    let node = try variables.rank("PET_NODE_RANK", of: "PET_NNODES")
    let each = try variables.count("PET_NPROC_PER_NODE") ?? 1
    guard let host = variables["PET_MASTER_ADDR"] else {
      throw ProcessGroupError("PET_NNODES is set, but not PET_MASTER_ADDR, where the processes meet")
    }
    guard node.count * each > 1 else { return nil }
    return Launch(
      .kubeflow, Rank(node.index * each, of: node.count * each), host: host,
      port: try variables.number("PET_MASTER_PORT") ?? defaultPort, attempt: "kubeflow",
      processesToStart: each)
  }

  private static func slurm(_ variables: Variables) throws -> Launch? {
    // A batch script is no task of a step: what it starts without srun is alone.
    let isBatchScript = variables["SLURM_STEP_ID"] == nil && variables["ENVIRONMENT"] == "BATCH"
    guard variables["SLURM_PROCID"] != nil, !isBatchScript else { return nil }
    let size = variables["SLURM_STEP_NUM_TASKS"] == nil ? "SLURM_NTASKS" : "SLURM_STEP_NUM_TASKS"
    guard variables[size] != nil else { return nil }
    let rank = try variables.rank("SLURM_PROCID", of: size)
    guard rank.count > 1 else { return nil }
    let nodes = variables["SLURM_STEP_NODELIST"] ?? variables["SLURM_JOB_NODELIST"] ?? variables["SLURM_NODELIST"]
    guard let host = variables["MASTER_ADDR"] ?? nodes.flatMap(firstHost) else {
      throw ProcessGroupError("SLURM_PROCID is set, but no list of nodes; set MASTER_ADDR to the first node's name")
    }
    let job = try variables.number("SLURM_JOB_ID") ?? 0
    let step = variables["SLURM_STEP_ID"] ?? "0"
    return Launch(
      .slurm, rank, host: host, port: try variables.number("MASTER_PORT") ?? defaultPort + job % 1000,
      attempt: "slurm/\(job)/\(step)/\(variables["SLURM_RESTART_COUNT"] ?? "0")",
      restarts: try variables.number("SLURM_RESTART_COUNT") ?? 0)
  }

  private static func openMPI(_ variables: Variables) throws -> Launch? {
    guard variables["OMPI_COMM_WORLD_RANK"] != nil, variables["OMPI_COMM_WORLD_SIZE"] != nil else { return nil }
    let rank = try variables.rank("OMPI_COMM_WORLD_RANK", of: "OMPI_COMM_WORLD_SIZE")
    guard rank.count > 1 else { return nil }
    let isOneMachine = variables["OMPI_COMM_WORLD_LOCAL_SIZE"] == variables["OMPI_COMM_WORLD_SIZE"]
    guard let host = variables["MASTER_ADDR"] ?? (isOneMachine ? "127.0.0.1" : nil) else {
      throw ProcessGroupError(
        "Open MPI runs this on several machines; say where they meet: mpirun -x MASTER_ADDR=FIRST_HOST ...")
    }
    return Launch(
      .openMPI, rank, host: host, port: try variables.number("MASTER_PORT") ?? defaultPort,
      attempt: "mpi/\(variables["PMIX_NAMESPACE"] ?? "")")
  }

  /// The first of a list such as `gpu[01-03,07],login1`.
  static func firstHost(_ list: String) -> String? {
    guard let end = list.firstIndex(where: { $0 == "[" || $0 == "," }) else { return list.isEmpty ? nil : list }
    let name = list[..<end]
    guard list[end] == "[" else { return String(name) }
    let number = list[list.index(after: end)...].prefix { $0 != "-" && $0 != "," && $0 != "]" }
    let rest = list[end...].drop { $0 != "]" }.dropFirst().prefix { $0 != "," }
    return [name, number, rest].joined()
  }

  private static let defaultPort = 29500
  /// The variable in which the command's own launcher says its process id.
  package static let ownMark = "KINDRED_LAUNCHED"

  /// What `rank` of processes that are started here is told: torchrun's variables.
  /// - Parameters:
  ///   - local: of those that are started here.
  ///   - store: where they meet.
  ///   - isServed: whether this process serves it.
  package static func variables(
    of rank: Rank, local: Rank, meetingAt host: String, port: Int, isServed: Bool
  ) -> [String: String] {
    [
      "RANK": "\(rank.index)", "WORLD_SIZE": "\(rank.count)", "LOCAL_RANK": "\(local.index)",
      "LOCAL_WORLD_SIZE": "\(local.count)", "MASTER_ADDR": host, "MASTER_PORT": "\(port)",
      "TORCHELASTIC_USE_AGENT_STORE": isServed ? "True" : "False", ownMark: "\(getpid())",
    ]
  }
}

/// An environment, read with errors that name the variable.
private struct Variables {
  private let values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// A whole number of 0 or more; nil where the variable is not set.
  func number(_ name: String) throws -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), (0...Int(Int32.max)).contains(number) else {
      throw ProcessGroupError("\(name) is '\(text)', and should be a whole number")
    }
    return number
  }

  /// A number of 1 or more; nil where the variable is not set.
  func count(_ name: String) throws -> Int? {
    guard let count = try number(name) else { return nil }
    guard count > 0 else { throw ProcessGroupError("\(name) is 0, and should be 1 or more") }
    return count
  }

  func rank(_ index: String, of count: String) throws -> Rank {
    guard let own = try number(index), let all = try self.count(count) else {
      throw ProcessGroupError("\(index) and \(count) belong together, and one of them is not set")
    }
    guard own < all else { throw ProcessGroupError("\(index) is \(own), and \(count) is \(all): ranks count from 0") }
    return Rank(own, of: all)
  }
}
