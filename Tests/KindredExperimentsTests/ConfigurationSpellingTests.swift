import Testing

@testable import KindredExperiments

@Suite struct ConfigurationSpellingTests {
  @Test(arguments: [
    ("epochs", "epochs", 0), ("epocs", "epochs", 1), ("epohcs", "epochs", 1), ("eppochs", "epochs", 1),
    ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("ca", "abc", 3), ("Epochs", "epochs", 0),
    ("stage4", "stage3", 0.55), ("stage4", "stage1", 0.65),
  ])
  func distances(left: String, right: String, distance: Double) {
    #expect(abs(Spelling.distance(left, right) - distance) < 1e-12)
  }

  @Test func theNearestIsFound() {
    let keys = ["learning_rate", "momentum", "nesterov", "weight_decay", "name"]
    #expect(Spelling.nearest(to: "learningrate", among: keys) == "learning_rate")
    #expect(Spelling.nearest(to: "weigth_decay", among: keys) == "weight_decay")
    #expect(Spelling.nearest(to: "dropout", among: keys) == nil)
    #expect(Spelling.nearest(to: "sp", among: ["kd", "at"]) == nil)
    #expect(Spelling.nearest(to: "x", among: []) == nil)
  }
}
