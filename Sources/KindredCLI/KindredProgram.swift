// The command, as a program runs it that has methods, networks and data sets of its own.

import Kindred
import KindredExperiments
import KindredVision

/// The `kindred` command, and what a program of somebody's own adds to it.
public enum KindredProgram {
  /// Carries out what the process's arguments ask for. Where that fails, or was a question, the process ends here, with the
  /// command's exit status.
  ///
  /// What is given here is known by its name in every file and every subcommand. A name that Kindred or another of these has
  /// already is refused with one line.
  /// - Parameters:
  ///   - name: what the command is called in its help and in commands that it prints.
  ///   - methods: losses, as `losses:` names them, in the order of an objective's terms.
  ///   - networks: as `network:` names them.
  ///   - dataSets: as `set:` names them.
  public static func main(
    named name: String = "kindred", methods: [any Method.Type] = [], networks: [NetworkFamily] = [],
    dataSets: [DataSet] = []
  ) {
    KindredCommand.main {
      ShellCommand.program = name
      try Methods.add(methods)
      try Networks.add(networks)
      try DataSets.add(dataSets)
    }
  }
}
