// The command's help and what shells offer to complete: nothing of it is to be left out by mistake.

import Foundation
import Kindred
import KindredVision
import TestSupport
import Testing

@Suite struct HelpTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder(["plain.yaml": "", "notes.txt": ""]) }

  private func run(_ arguments: String...) throws -> String {
    let run = try Command.start(arguments, in: scratch.url).wait()
    #expect(run.status == 0, "\(run.errors)")
    return run.output
  }

  /// What bash offers for a line whose last word is begun.
  private func completions(_ line: String) throws -> [String] {
    try scratch.write(try run("--generate-completion-script", "bash"), to: "kindred.bash")
    try scratch.write(
      """
      set -e
      source ./kindred.bash
      COMP_WORDS=(\(line))
      [[ '\(line)' == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE='\(line)' COMP_POINT=\(line.utf8.count)
      _kindred kindred "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null || true
      printf '%s\\n' "${COMPREPLY[@]}"
      """, to: "offer.bash")
    let bash = try Child(URL(filePath: "/bin/bash"), ["offer.bash"], in: scratch.url).wait()
    return bash.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash"), "needs bash"))
  func bashOffersCommandsFilesAndNames() throws {
    let commands = try completions("kindred ")
    for command in ["demo", "train", "distill", "compare", "export", "doctor"] { #expect(commands.contains(command)) }
    #expect(try completions("kindred dis") == ["distill"])
    let files = try completions("kindred train ")
    #expect(files.contains("plain.yaml") && !files.contains("notes.txt"), "\(files)")
    #expect(try Set(Methods.all.map { $0.card.name }).isSubset(of: completions("kindred loss ")))
    #expect(try completions("kindred evaluate runs --network resnet-11") == ["resnet-110"])
    #expect(try completions("kindred data get cifar-1") == ["cifar-10", "cifar-100"])
    #expect(try completions("kindred export run --precision ") == ["float32", "float16", "int8"])
  }

  /// Every command has a group, and every group a command.
  @Test func helpIsGroupedByWhatOneWantsToDo() throws {
    let lines = try run("--help").split(separator: "\n", omittingEmptySubsequences: false)
    let heads = lines.filter { $0.hasSuffix("SUBCOMMANDS:") }
    #expect(heads.first == "START SUBCOMMANDS:" && !heads.contains("SUBCOMMANDS:"))
    #expect(heads.count > 3 && Set(heads).count == heads.count)
    for name in ["zsh", "fish"] { #expect(try run("--generate-completion-script", name).contains("distill")) }
  }
}
