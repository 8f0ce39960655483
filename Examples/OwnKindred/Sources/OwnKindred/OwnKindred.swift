// The command: all that `kindred` has, and what is here.

import KindredCLI

@main
enum OwnKindred {
  static func main() {
    KindredProgram.main(named: "own-kindred", methods: [CentredLogits.self], networks: [.twoStages])
  }
}
