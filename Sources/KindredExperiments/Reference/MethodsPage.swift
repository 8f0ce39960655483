// The page of methods: what each says of itself.

import Kindred

extension Reference {
  static func methods() -> String {
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
    for method in Methods.all { add(method, to: &page) }
    return page.text
  }

  private static func add<M: Method>(_ type: M.Type, to page: inout MarkdownPage) {
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
    facts.append("Agrees with: \(card.agreesWith ?? "its paper; no public code was followed")")
    page.list(facts)
    if !settings.isEmpty { page.settings(settings) }
  }

  private static func weight(_ card: MethodCard) -> String {
    let usual = card.weight == nil ? "`auto`" : card.weightText
    return usual + (card.publishedWeight.map { "; published: \($0)" } ?? "")
  }
}
