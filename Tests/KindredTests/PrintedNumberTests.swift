// What is not a number is printed without a sign, in every message that may hold one.

import Testing

@testable import Kindred

@Suite struct PrintedNumberTests {
  @Test func noMessagePutsASignBeforeIt() {
    let messages = [
      NonFiniteLoss(position: BatchPosition(), term: "kd", value: -.nan).description,
      QuantizationTooCostly(.gramCorrelation("stage3"), -.nan, bound: 0.9, inputs: 8).description,
      QuantizationTooCostly(.gramError("stage3"), -.nan, bound: 0.1, inputs: 8).description,
    ]
    for message in messages { #expect(message.contains(" nan") && !message.contains("-nan"), "\(message)") }
  }

  @Test func numbersStayAsTheyAre() {
    for number in [0.0, -1.5, .infinity, -.infinity] { #expect(number.printed == number) }
  }
}
