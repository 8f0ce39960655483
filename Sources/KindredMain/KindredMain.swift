// The `kindred` command with what Kindred itself has.

import KindredCLI

@main
enum KindredMain {
  static func main() { KindredProgram.main() }
}
