// What launchers say in the environment, and what contradicts itself.

import Testing

@testable import Torch

@Suite struct LaunchTests {
  private func launch(_ environment: [String: String]) throws -> Launch? { try Launch(environment) }

  private func refusal(_ environment: [String: String]) -> String {
    do {
      return "\(String(describing: try launch(environment)))"
    } catch {
      return "\(error)"
    }
  }

  private let torchrun = [
    "RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node-a", "MASTER_PORT": "29511",
    "TORCHELASTIC_RUN_ID": "job", "TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_USE_AGENT_STORE": "True",
  ]
  private let slurm = [
    "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8", "SLURM_JOB_NODELIST": "gpu[007-009,12],login",
    "SLURM_JOB_ID": "70012",
  ]

  @Test func aProcessAloneIsNotOneOfSeveral() throws {
    #expect(try launch([:]) == nil)
    // A batch script's own process is not one of the step's tasks.
    #expect(try launch(slurm.merging(["ENVIRONMENT": "BATCH"]) { $1 }) == nil)
    #expect(try launch(slurm.merging(["SLURM_NTASKS": "1", "SLURM_PROCID": "0"]) { $1 }) == nil)
  }

  @Test func torchrunsVariables() throws {
    let found = try #require(try launch(torchrun))
    #expect(found.launcher == .torchrun && found.rank == Rank(1, of: 4) && found.restarts == 2)
    #expect(found.host == "node-a" && found.port == 29511 && found.isStoreServed && found.attempt == "job/2")
    // It counts more than what stands around it, as in an allocation of Slurm's.
    #expect(try launch(torchrun.merging(slurm) { $1 })?.launcher == .torchrun)
    let plain = try launch(["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "a"])
    #expect(plain?.launcher == .variables && plain?.port == 29500 && plain?.isStoreServed == false)
  }

  @Test func slurmsVariables() throws {
    let found = try #require(try launch(slurm))
    #expect(found.launcher == .slurm && found.rank == Rank(3, of: 8))
    #expect(found.host == "gpu007" && found.port == 29512)
    #expect(try launch(slurm.merging(["SLURM_STEP_NUM_TASKS": "4"]) { $1 })?.rank == Rank(3, of: 4))
    #expect(try launch(slurm.merging(["MASTER_ADDR": "b", "MASTER_PORT": "7"]) { $1 })?.host == "b")
  }

  @Test(
    arguments: [
      ("node", "node"), ("a,b", "a"), ("n[1-3]", "n1"), ("n[02,4-6],x", "n02"), ("rack[3-4]-ib,z", "rack3-ib"),
    ])
  func theFirstHostOfAList(list: String, host: String) {
    #expect(Launch.firstHost(list) == host)
  }

  @Test func kubeflowsVariables() throws {
    let variables = [
      "PET_NNODES": "2", "PET_NODE_RANK": "1", "PET_NPROC_PER_NODE": "4", "PET_MASTER_ADDR": "job-node-0-0.job",
      "PET_MASTER_PORT": "29500",
    ]
    let found = try #require(try launch(variables))
    #expect(found.launcher == .kubeflow && found.rank == Rank(4, of: 8) && found.processesToStart == 4)
    let single = try launch(variables.merging(["PET_NPROC_PER_NODE": "1"]) { $1 })
    #expect(single?.rank == Rank(1, of: 2) && single?.processesToStart == 1)
  }

  @Test func openMPIsVariables() throws {
    let variables = [
      "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
      "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    ]
    #expect(try launch(variables)?.host == "127.0.0.1")
    let spread = variables.merging(["OMPI_COMM_WORLD_LOCAL_SIZE": "1"]) { $1 }
    #expect(refusal(spread).contains("mpirun -x MASTER_ADDR="))
    #expect(try launch(spread.merging(["MASTER_ADDR": "a"]) { $1 })?.host == "a")
  }

  @Test func contradictionsAreNamed() {
    #expect(
      refusal(["RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "a"])
        == "RANK is 2, and WORLD_SIZE is 2: ranks count from 0")
    #expect(refusal(["RANK": "one", "WORLD_SIZE": "2"]) == "RANK is 'one', and should be a whole number")
    #expect(refusal(["RANK": "0", "WORLD_SIZE": "0"]) == "WORLD_SIZE is 0, and should be 1 or more")
    #expect(refusal(["RANK": "0", "WORLD_SIZE": "2"]).contains("not MASTER_ADDR"))
  }

  @Test func everyRowIsOneRanks() {
    for count in 1...5 {
      for rows in 0...12 {
        let all = (0..<count).flatMap { Array(Rank($0, of: count).rows(of: rows)) }
        #expect(all == Array(0..<rows))
      }
    }
  }
}
