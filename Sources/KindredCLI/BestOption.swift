// Which weights of a run a command takes.

import ArgumentParser
import KindredExperiments

struct BestOption: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Of a run, take the weights of the best evaluation.",
      discussion:
        "Otherwise the last ones, or their moving average where that was kept and better in the last evaluation."
    ))
  var best = false

  var wanted: RunWeights { best ? .best : .last }
}
