// A printed command, pasted, gives a shell the words that it was made of.

import Foundation
import Testing

@testable import KindredExperiments

@Suite struct ShellCommandTests {
  @Test func plainWordsStayAsTheyAre() {
    #expect(
      ShellCommand.line(["kindred", "train", "a/b-c.yaml", "--set", "training.epochs=20"])
        == "kindred train a/b-c.yaml --set training.epochs=20")
  }

  @Test func aShellTakesTheWordsApartAgain() throws {
    let words = [
      "", "two words", "it's", "$HOME", "a;b", "~", "*", "\"", "\\", "{a: b}", "#", "é", "!x", "<&>", "two\nlines",
    ]
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", ShellCommand.line(["printf", "%s|"] + words)]
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(said == words.map { $0 + "|" }.joined())
  }
}
