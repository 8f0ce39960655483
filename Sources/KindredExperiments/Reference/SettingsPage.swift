// The page of settings: a configuration's, section by section, and a study's.

import Kindred
import KindredVision

extension Reference {
  static func settings() -> String {
    var page = MarkdownPage(
      "Settings",
      "Every key of a configuration (a run's YAML file) and of a study, with what may be written and what holds unless "
        + "something is. `kindred inspect FILE --resolved` prints all of a file's settings with their values.",
      "Any of them can be set on the command line, over the file's: `--set training.epochs=20`. The path starts at the "
        + "outermost keys; an empty value or `null` takes the file's setting away. A list and a section are written as in "
        + "YAML: `--set 'teacher={recording: recordings/big}'`. With a study a setting holds for all rows. Teachers that come "
        + "from a `config` have the settings of their own file. `kindred loss METHOD --set temperature=2` starts at the "
        + "method's own keys. Paths start at the folder of the file that they stand in, those of the command line at the "
        + "current folder.")
    page.heading("A configuration")
    page.settings(UndeclaredKeys.configuration.lines + UndeclaredKeys.extending.lines)
    addData(to: &page)
    page.heading("`student`")
    page.settings(UndeclaredKeys.student.lines)
    page.heading("`teacher`")
    page.paragraphs(
      "A teacher comes from one place: `weights`, `config`, `recording`, `exported` or `onnx`. Of several teachers each "
        + "is an item of a list.")
    page.settings(UndeclaredKeys.teacher.lines)
    page.heading("`teacher.int8`", level: 3)
    page.settings(Configuration.Quantization.settings.map { $0.line(Configuration.Quantization()) })
    addLosses(to: &page)
    page.heading("`training`")
    page.settings(Recipe.settings, of: Recipe(), path: "training", level: 3)
    page.paragraphs(
      "A schedule that is not given has its milestones at 30, 60 and 80 % of the epochs, and the factor "
        + "\(usualFactor.short.code).")
    page.heading("A study")
    page.settings(UndeclaredKeys.study.lines + UndeclaredKeys.extending.lines)
    page.heading("A row", level: 3)
    page.paragraphs(
      "A row has whatever a configuration may have but `name`, and the keys below. `{sweep: [...]}` in place of any value "
        + "makes a row of each value in the list; several sweeps make their product.")
    page.settings(UndeclaredKeys.row.lines)
    return page.text
  }

  private static var usualFactor: Double {
    if case .step(_, let factor) = Recipe().schedule.shape { factor } else { 1 }
  }

  private static func addData(to page: inout MarkdownPage) {
    let sets = DataSets.all.map { Configuration.Images(set: $0) } + [Configuration.Images(train: nil)]
    page.heading("`data`")
    page.paragraphs("What is *the set's* differs from set to set: see [data sets](data.md).")
    page.settings(
      Configuration.Images.settings.map { setting in
        let line = setting.line(sets[0])
        let texts = Set(sets.map { setting.line($0).usual })
        let owners = DataSets.all.filter { $0.choice(setting.key) != nil }
        if let owner = owners.first {
          let usual = setting.line(Configuration.Images(set: owner)).usual
          return SettingLine(line.key, line.values, "\(usual), of \(owner.name.code) alone", line.help)
        }
        return SettingLine(line.key, line.values, texts.count > 1 ? "the set's" : line.usual, line.help)
      })
    for setting in Configuration.Images.settings { page.inner(setting, sets[0], "data.\(setting.key)", level: 3) }
  }

  private static func addLosses(to page: inout MarkdownPage) {
    page.heading("`losses`")
    page.paragraphs(
      "Beside these two there is a section for each term, under its method's name: `losses: {kd: {}, sp: {weight: auto}}`."
    )
    page.settings(UndeclaredKeys.losses.lines)
    page.heading("Every term", level: 3)
    page.settings(
      UndeclaredKeys.term.lines
        + Configuration.Term.settings.map { setting in
          let line = setting.line(Configuration.Term(SimilarityPreserving()))
          guard setting.key == "warm_up_epochs" else { return line }
          return SettingLine(line.key, line.values, "[the method's](methods.md)", line.help)
        } + [UndeclaredKeys.method])
    page.heading("A method's own", level: 3)
    page.paragraphs("Methods that are not named here have none.")
    page.table(
      ["Method", "Key", "Values", "Usual", "What it is"],
      Methods.all.flatMap { method in ownSettings(method).map { [method.card.name.code] + $0.cells } })
  }

  /// The settings of a method, its usual layers in words.
  static func ownSettings<M: Method>(_ type: M.Type) -> [SettingLine] {
    M.settings.map { setting in
      let line = setting.line(M())
      guard setting.key == "layers", let usual = M.usualLayersText else { return line }
      return SettingLine(line.key, line.values, usual, line.help)
    }
  }
}
