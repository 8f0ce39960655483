// Progress with a clock of the test's own: what a terminal and a pipe get.

import Testing

@testable import KindredCLI

@Suite struct ProgressPrinterTests {
  /// What was written, and the time, which only the test moves.
  private final class Stage {
    var time = 50.0
    var width = 80
    var written: [String] = []

    func printer(isTerminal: Bool) -> ProgressPrinter {
      ProgressPrinter(
        output: .init(isTerminal: isTerminal, width: { self.width }, write: { self.written.append($0) }),
        clock: { self.time })
    }
  }

  private func status(epoch: Int = 1, step: Int, steps: Int = 1000) -> TrainingStatus {
    TrainingStatus(
      name: "SP", epoch: epoch, epochs: 2, step: step, stepsPerEpoch: steps, imagesPerSecond: 812.4,
      values: [("loss", "1.234")])
  }

  @Test func terminalRewritesAtMostTenTimesASecond() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: true)
    for step in 1...1000 {
      printer.step(status(step: step))
      stage.time += 1.0 / 128
    }
    // 13 steps of 1/128 s are the first above a tenth of a second: 1, 14, 27, ...
    #expect(stage.written.count == (1000 + 12) / 13)
    #expect(stage.written[0] == "\rSP  epoch 1/2  [..........] 0 %  loss 1.234  812 img/s\u{1B}[K")
    #expect(stage.written[1] == "\rSP  epoch 1/2  [..........] 1 %  loss 1.234  812 img/s  ETA 0:16\u{1B}[K")
    #expect(stage.written.allSatisfy { !$0.contains("\n") })
  }

  @Test func costlyFiguresAreAskedForOnlyWhenTheyArePrinted() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: true)
    var asked: [Int] = []
    for step in 1...20 {
      printer.step(status(step: step)) {
        asked.append(step)
        return [("rate", "\(step)")]
      }
      stage.time += 1.0 / 128
    }
    #expect(asked == [1, 14])
    #expect(stage.written[1].contains("loss 1.234  rate 14"))
  }

  @Test func terminalLineFitsTheWindow() {
    let stage = Stage()
    // One column stays free, so the 31 of "SP  epoch 1/2  50 %  loss 1.234" do not fit.
    stage.width = 31
    stage.printer(isTerminal: true).step(status(step: 500))
    #expect(stage.written == ["\rSP  epoch 1/2  50 %\u{1B}[K"])
    // What matters most goes last.
    stage.width = 32
    stage.printer(isTerminal: true).step(status(step: 500))
    #expect(stage.written.last == "\rSP  epoch 1/2  50 %  loss 1.234\u{1B}[K")
  }

  @Test func terminalMessagesStayAboveTheLine() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: true)
    printer.message("first")
    printer.epoch(status(step: 1000))
    printer.message("second")
    printer.finish()
    printer.finish()
    printer.message("third")
    let line = "\rSP  epoch 1/2  [##########] 100 %  loss 1.234  812 img/s\u{1B}[K"
    let clear = "\r\u{1B}[K"
    #expect(stage.written == [clear + "first\n", line, "\n", clear + "second\n", clear + "third\n"])
  }

  @Test func aStepsLineIsDrawnBelowMessages() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: true)
    printer.step(status(step: 500))
    printer.message("second")
    printer.finish()
    printer.finish()
    let line = "\rSP  epoch 1/2  [#####.....] 50 %  loss 1.234  812 img/s\u{1B}[K"
    #expect(stage.written == [line, "\r\u{1B}[Ksecond\n", line, "\n"])
  }

  @Test func pipeGetsALineAnEpoch() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: false)
    for epoch in 1...2 {
      for step in 1...10 {
        stage.time += 1
        printer.step(status(epoch: epoch, step: step, steps: 10))
      }
      printer.epoch(status(epoch: epoch, step: 10, steps: 10))
    }
    printer.message("done")
    printer.finish()
    #expect(
      stage.written == [
        "SP  epoch 1/2  60 %  loss 1.234  812 img/s  ETA 0:14\n",
        "SP  epoch 1/2  100 %  loss 1.234  812 img/s  ETA 0:10\n",
        "SP  epoch 2/2  100 %  loss 1.234  812 img/s  ETA 0:00\n", "done\n",
      ])
  }

  @Test func pipeGetsALineSoonAndThenEveryHalfMinuteOfALongEpoch() {
    let stage = Stage()
    let printer = stage.printer(isTerminal: false)
    for step in 1...100 {
      printer.step(status(step: step))
      stage.time += 1
    }
    #expect(
      stage.written == [
        "SP  epoch 1/2  1 %  loss 1.234  812 img/s  ETA 33:14\n",
        "SP  epoch 1/2  4 %  loss 1.234  812 img/s  ETA 32:44\n",
        "SP  epoch 1/2  7 %  loss 1.234  812 img/s  ETA 32:14\n",
        "SP  epoch 1/2  10 %  loss 1.234  812 img/s  ETA 31:44\n",
      ])
  }
}
