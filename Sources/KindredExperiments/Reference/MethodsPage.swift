// The page of methods: what each says of itself.

import Kindred
import KindredReport

extension Reference {
  static func methods(_ numbers: Numbers) -> String {
    var page = MarkdownPage(
      "Methods",
      "What each method computes, in the words of its declaration. z are logits, f pooled vectors, A activations, s and t "
        + "the student's and the teacher's, b the batch's size, KL(p || q) the divergence of q from p. A term's weight is not "
        + "in the formula. [Settings](settings.md) has the keys that all terms have.",
      "\"Agrees with\" names public code whose value and gradients it has, up to rounding and to what the method's documentation says. Values and gradients of all "
        + "methods are tested against PyTorch, written from the formulas.")
    page.table(
      ["Method", "Paper", "Compares", "Weight"],
      Methods.all.map {
        ["[\($0.card.name.code)](#\($0.card.name))", $0.card.paper, $0.card.compares, $0.card.weightText]
      })
    addTable(numbers, to: &page)
    for method in Methods.all { add(method, numbers, to: &page) }
    return page.text
  }

  /// What all methods reached, one beside another.
  private static func addTable(_ numbers: Numbers, to page: inout MarkdownPage) {
    let (student, teacher) = (Numbers.benchmark.student, Numbers.benchmark.teacher)
    page.heading("Accuracies")
    page.paragraphs(
      "Published: percent on CIFAR-100, \(student) from \(teacher), as "
        + "[the study of that pair](../../Experiments/cifar100/\(teacher)-to-\(student).yaml) has them with their sources. Its 240 "
        + "epochs have not been run here.",
      "Here: \(numbers.setting) [The study](../../Experiments/\(Numbers.study)/methods.yaml) has each method's usual settings, none "
        + "chosen for these images; `kindred compare Experiments/\(Numbers.study)/methods.yaml` runs it. ± is the half-width of a gain's 95 % "
        + "interval.",
      "All rows share AdamW at one rate and eight epochs, and the student alone differs by several points from seed to seed: most "
        + "gains lie within their ±, and a row at about 10 %, which is chance, has learned nothing. So this ranks no methods; it "
        + "shows what their usual settings do where nobody has chosen others.")
    page.table(
      ["Row", "Published %", "Here %", "Deviation", "Gain", "±"],
      numbers.rows.map { row in
        let name = row.method.map { "[\(row.name.code)](#\($0))" } ?? row.name.code
        let measured = row.measured
        return [name, decimal(row.published), decimal(measured?.meanPercent), decimal(measured?.deviationPoints)]
          + [measured?.gainPoints.map { Format.signed($0, places: 2) } ?? "–", decimal(measured?.gainMarginPoints)]
      })
  }

  private static func decimal(_ value: Double?) -> String { value.map { Format.decimal($0, places: 2) } ?? "–" }

  private static func add<M: Method>(_ type: M.Type, _ numbers: Numbers, to page: inout MarkdownPage) {
    let card = M.card
    page.heading(card.name)
    page.paragraphs("\(card.paper).")
    page.code(card.formula)
    let settings = ownSettings(type)
    var facts = [
      "Compares: \(card.compares)" + (M.usualLayersText.map { "; unless layers are named, \($0)" } ?? ""),
      "Trains: \(card.trains ?? "nothing")",
      "A recording keeps: \(card.records)",
      "Weight: \(weight(card))",
    ]
    if card.warmUpEpochs > 0 { facts.append("Its weight rises over the first \(card.warmUpEpochs) epochs") }
    if M().needsLabels { facts.append("Needs the class of each input") }
    if M.needsClassifier { facts.append("Needs the teacher's classifier") }
    if M.needsNormalizations {
      facts.append("Needs the teacher's batch norms, which a live network of the catalogue has")
    }
    if M.keepsSamples { facts.append("Keeps something of every training image") }
    if let loneInput = card.loneInput { facts.append("Refuses batches of one input: \(loneInput)") }
    facts += accuracies(card.name, numbers)
    facts.append("Agrees with: \(card.agreesWith ?? "its paper; no public code was followed")")
    page.list(facts)
    if !settings.isEmpty { page.settings(settings) }
  }

  /// What it reached where it was published and here, a line for each variant.
  private static func accuracies(_ method: String, _ numbers: Numbers) -> [String] {
    numbers.rows.filter { $0.method == method }.compactMap { row in
      let published = row.published.map { "published \(decimal($0)) % on CIFAR-100" }
      let gain = row.measured?.gainPoints.map { gain in
        "here \(Format.signed(gain, places: 2)) points"
          + (row.measured?.gainMarginPoints.map { " ± \(decimal($0))" } ?? "")
      }
      let texts = [published, gain].compactMap(\.self)
      guard !texts.isEmpty else { return nil }
      let name = row.name == method ? "" : " of \(row.name)"
      return "[Accuracy](#accuracies)\(name): \(texts.joined(separator: "; "))"
    }
  }

  private static func weight(_ card: MethodCard) -> String {
    let usual = card.weight == nil ? "`auto`" : card.weightText
    return usual + (card.publishedWeight.map { "; published: \($0)" } ?? "")
  }
}
