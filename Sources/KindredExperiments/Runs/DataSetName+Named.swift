// A data set by the name that a person typed.

import KindredVision

extension DataSetName {
  /// - Throws: `RunError` with the nearest name there is.
  package init(named name: String) throws {
    guard let set = DataSetName(rawValue: name) else {
      let names = DataSetName.allCases.map(\.rawValue)
      let advice = Spelling.advice(for: name, among: names, else: "there are \(names.joined(separator: ", "))")
      throw RunError("there is no data set '\(name)'; \(advice)")
    }
    self = set
  }
}
