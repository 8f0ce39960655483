// What the command writes to and prints on: links, devices and pipes, readers that go away, full and closed outputs.

import Foundation
import TestSupport
import Testing
import Torch

@Suite struct OutputTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder() }

  private func shell(_ script: String) throws -> Child.Finished { try Command.shell(script, in: scratch.url) }

  @Test func everyCommandThatWritesAFileWritesThroughLinksAndPipes() throws {
    try Safetensors.write(["input": Generator(seed: 5).normal([1, 1, 8, 8])], to: scratch.url.appending(path: "x"))
    try Safetensors.write(["logits": Generator(seed: 6).normal([2, 3])], to: scratch.url.appending(path: "l"))
    let commands = [
      "kindred forward --network resnet-8 --input x --output", "kindred loss kd --student l --teacher l --gradient",
      "kindred data preview textures --split test --out",
    ]
    for command in commands {
      let run = try shell(
        """
        rm -f link target pipe
        \(command) plain >text || exit 2
        ln -s target link
        \(command) link >/dev/null && cmp plain target && test -L link || exit 3
        mkfifo pipe
        cat pipe >piped &
        \(command) pipe >/dev/null && wait && cmp plain piped && test -p pipe || exit 4
        \(command) /dev/stdout >written && test -L /dev/stdout || exit 5
        # What the command prints comes behind what it wrote.
        head -c "$(wc -c <plain)" written | cmp plain || exit 6
        """)
      #expect(run.status == 0, "\(command): \(run.status) \(run.output) \(run.errors)")
    }
  }

  @Test func aComparisonShowsItsTableWhateverCannotBeWritten() throws {
    try scratch.write(TinyRuns.files())
    let run = try shell("mkdir -p runs/table.md && kindred compare teacher.yaml --seeds 1 --quiet")
    #expect(run.status == 1)
    #expect(run.output.contains("teacher") && run.output.contains("baseline"))
    #expect(run.errors == "Error: runs/table.md cannot be written: Is a directory\n")
    #expect(scratch.has("runs/table.csv") && scratch.has("runs/table.json"))
    let full = try shell("rmdir runs/table.md; kindred compare teacher.yaml --seeds 1 --quiet >/dev/full")
    #expect(full.status == 1)
    #expect(full.errors == "Error: standard output cannot be written: No space left on device\n")
    #expect(scratch.has("runs/table.md"))
  }

  @Test func aReaderThatGoesAwayDoesNotEndARun() throws {
    try scratch.write(TinyRuns.files())
    let run = try shell(
      "{ kindred train plain.yaml --out run 2>&1; echo $? >status; } | head -n 1 >first; cat first status")
    #expect(run.output.hasPrefix("epoch 1/3"))
    #expect(run.output.hasSuffix("\n0\n"))
    #expect(scratch.has("run/result.json"))
    #expect(run.errors.isEmpty)
  }

  @Test func anOutputThatIsClosedIsNoFilesPlace() throws {
    try scratch.write(TinyRuns.files())
    let run = try shell("kindred train teacher.yaml --out run --quiet >&-; kindred evaluate run")
    #expect(run.errors == "Error: standard output cannot be written: Bad file descriptor\n")
    #expect(run.status == 0, "what the run wrote is whole")
  }

  @Test func namesThatAreNoTextAreRefusedInALine() throws {
    let argument = try shell(#"kindred inspect "$(printf 'caf\351.yaml')""#)
    #expect(argument.status == 1)
    #expect(argument.errors == "Error: the argument 'caf\\xE9.yaml' is not UTF-8; rename what it names\n")
    let folder = try shell(#"mkdir "$(printf 'd\351')" && cd "$(printf 'd\351')" && kindred doctor"#)
    #expect(folder.status == 1)
    #expect(folder.errors.hasSuffix("/d\\xE9' has a name that is not UTF-8; change to another one\n"))
    #expect(folder.errors.split(separator: "\n").count == 1)
  }

  @Test func printedCommandsAreQuoted() throws {
    try scratch.write(TinyRuns.files())
    let run = try shell("mkdir 'my runs'; mv *.yaml 'my runs'; kindred distill 'my runs/student.yaml' --runs 'my runs'")
    #expect(run.errors.hasSuffix("kindred train 'my runs/teacher.yaml' --out 'my runs/teacher/seed-1'\n"))
    let kind = try shell("kindred train 'my runs/student.yaml'")
    #expect(kind.errors.hasSuffix("use: kindred distill 'my runs/student.yaml'\n"))
  }

  @Test func whatIsNotANumberHasNoSign() throws {
    try Safetensors.write(
      ["logits": Tensor([-Float.nan, 1, 2, 3], shape: [2, 2])], to: scratch.url.appending(path: "l"))
    let run = try Command.run("loss", "kd", "--student", "l", "--teacher", "l", in: scratch.url)
    #expect(run.output == "nan\n")
  }
}
