// How many threads a process is to use, as its surroundings say it.

import Testing

@testable import Torch

@Suite struct CoresTests {
  @Test(arguments: [
    ("max 100000\n", nil), ("150000 100000\n", 2), ("20000 100000\n", 1), ("400000 100000\n", 4), ("", nil),
  ])
  func quotas(line: String, cores: Int?) { #expect(Runtime.quota(line) == cores) }

  @Test(arguments: [
    (["OMP_NUM_THREADS": "3"], 3), (["OMP_NUM_THREADS": "2,1"], 2), (["OMP_NUM_THREADS": "0"], nil),
    (["OMP_NUM_THREADS": "many"], nil), ([:], nil),
    // torchrun sets it where nobody has.
    (["OMP_NUM_THREADS": "1", "TORCHELASTIC_RUN_ID": "x"], nil),
  ])
  func asked(environment: [String: String], threads: Int?) {
    #expect(Runtime.askedThreadCount(environment) == threads)
  }
}
