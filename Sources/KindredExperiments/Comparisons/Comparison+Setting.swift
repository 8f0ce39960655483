// What a comparison's accuracies are of, for captions.

extension Comparison {
  /// The images, epochs and seeds of the compared runs in a sentence.
  /// - Throws: `RunError` where a run is not finished.
  package func setting() throws -> String {
    let measured = try compared.filter(\.folder.hasResult).compactMap { try $0.folder.readResult().evaluatedOn }.uniqued
    let splits = rows.compactMap(\.splits)
    let parts =
      [measured.isEmpty ? nil : "on \(measured.map { "\($0) images" }.joined(separator: " and "))"].compactMap(\.self)
      + [Self.count(compared.map(\.settings.training.epochs), "epoch")]
      + (splits.isEmpty ? [] : [Self.count(splits, "split")]) + [Self.count(rows.map(\.seedCount), "seed")]
    return "Accuracy in percent \(parts.joined(separator: ", ")): mean and sample standard deviation."
  }

  /// `3 seeds`, or `3 to 5 seeds` where rows differ.
  private static func count(_ values: [Int], _ unit: String) -> String {
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    return (least == most ? "\(most)" : "\(least) to \(most)") + " \(unit)\(most == 1 ? "" : "s")"
  }
}
