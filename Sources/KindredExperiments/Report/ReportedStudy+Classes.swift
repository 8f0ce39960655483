// Which classes gain and which lose, and what a teacher can tell apart that its student cannot.

import Foundation
import KindredReport

extension ReportedStudy {
  /// Accuracies by class.
  func classes(_ measured: MeasuredRuns) -> ReportSection {
    let (rows, others) = alike(measuredRows(measured))
    guard let first = rows.first?.first.measured else {
      return ReportSection(
        id: "classes", title: "Classes", [.note(nothing(measured, "No run was measured by classes."))])
    }
    let charts = rows.compactMap { gains(of: $0, among: rows) }
    let words =
      charts.isEmpty
      ? "There is no plain student to compare with."
      : "A bar is the change of a class's accuracy to the plain student's, means over the runs."
    let shortened = first.classNames.count > Self.shownClasses ? " Of many classes, those that change most." : ""
    return ReportSection(
      id: "classes", title: "Classes",
      [.text("Measured on \(first.extent). \(words)\(charts.isEmpty ? "" : shortened)"), .figures(charts)]
        + others.map { .note($0) }
        + [.details(title: "Accuracy of each class", isOpen: charts.isEmpty, [.table(classTable(rows, first))])])
  }

  private static let shownClasses = 24

  /// In percent, the mean over a row's runs; nil for a class without images.
  private func accuracy(of row: MeasuredRow, in label: Int) -> Double? {
    Statistics.mean(row.runs.compactMap { $0.measured.accuracy(of: $0.measured.student, in: label) })
  }

  private func gains(of row: MeasuredRow, among rows: [MeasuredRow]) -> SVGDocument? {
    guard let plain = baseline(of: row.row).flatMap({ plain in rows.first { $0.name == plain.name } }) else {
      return nil
    }
    let measured = row.first.measured
    var gains = measured.classNames.indices.compactMap { label -> CategoryChart.Row? in
      guard let own = accuracy(of: row, in: label), let other = accuracy(of: plain, in: label) else { return nil }
      return .init(name: measured.classNames[label], value: own - other)
    }
    if gains.count > Self.shownClasses {
      gains.sort { $0.value > $1.value }
      gains = Array(gains.prefix(Self.shownClasses / 2) + gains.suffix(Self.shownClasses / 2))
    }
    return CategoryChart(
      title: "\(row.name) less \(plain.name)", unit: "points of accuracy", rows: gains, form: .bars, places: 1,
      isSigned: true
    ).draw()
  }

  private func classTable(_ rows: [MeasuredRow], _ first: RunMeasurement) -> ReportTable {
    var table = ReportTable(
      "Accuracy in percent, means over the runs",
      [.text("class"), .number("images")] + rows.map { .number($0.name) })
    for label in first.classNames.indices.prefix(1000) {
      let values = rows.map { accuracy(of: $0, in: label) }
      table.append(
        [.init(first.classNames[label]), "\(first.labels.count { $0 == label })"]
          + values.map { value in
            .init(value.map { Format.decimal($0, places: 1) } ?? Format.missing, shade: value.map { $0 / 100 })
          })
    }
    return table
  }

  /// What teachers resolve and students do not.
  func confusions(_ measured: MeasuredRuns, _ thumbnails: Thumbnails) -> ReportSection {
    let students = students(measured).filter { $0.first.measured.teacher != nil }
    let absences = self.students(measured).filter { $0.first.measured.teacher == nil }.map {
      ReportBlock.note("\($0.name): \($0.first.measured.teacherAbsence ?? "there is no teacher to be asked").")
    }
    guard !students.isEmpty else {
      let why = absences.isEmpty ? [.note(nothing(measured, "No run learnt from a teacher."))] : absences
      return ReportSection(id: "confusions", title: "What the teacher resolves and the student does not", why)
    }
    // A page of many students has room for few of each.
    let examples = max(2, min(12, 48 / students.count))
    var table = ReportTable(
      "Images in percent of those measured, means over the runs",
      [
        .text("student"), .number("both right"), .number("only the teacher right"), .number("only the student right"),
        .number("both wrong"), .number("same answer"),
      ])
    for row in students {
      let shares = row.runs.compactMap { Agreement($0.measured) }
      func share(_ value: KeyPath<Agreement, Double>) -> ReportTable.Cell {
        .init(
          Statistics.mean(shares.map { $0[keyPath: value] }).map { Format.decimal($0, places: 1) } ?? Format.missing)
      }
      table.append([
        .init(row.name), share(\.both), share(\.teacherOnly), share(\.studentOnly), share(\.neither), share(\.same),
      ])
    }
    return ReportSection(
      id: "confusions", title: "What the teacher resolves and the student does not",
      [.table(table)]
        + students.enumerated().map { confusion(of: $1, isOpen: $0 == 0, examples: examples, thumbnails) } + absences)
  }

  private func confusion(
    of row: MeasuredRow, isOpen: Bool, examples count: Int, _ thumbnails: Thumbnails
  ) -> ReportBlock {
    let (run, measured) = row.first
    let pairs = measured.unresolved
    let title = "\(row.name): what is taken for what (\(run.repetition))"
    guard !pairs.isEmpty else {
      return .details(title: title, isOpen: isOpen, [.text("Nothing: the student is right where the teacher is.")])
    }
    var table = ReportTable(
      "The teacher right, the student wrong",
      [.text("class"), .text("taken for"), .number("images"), .number("% of the class")])
    for pair in pairs.prefix(10) {
      let count = measured.labels.count { $0 == pair.label }
      table.append([
        .init(measured.className(pair.label)), .init(measured.className(pair.taken)), "\(pair.images.count)",
        .init(Format.decimal(100 * Double(pair.images.count) / Double(max(count, 1)), places: 1)),
      ])
    }
    return .details(title: title, isOpen: isOpen, [.table(table)] + examples(run, measured, pairs, count, thumbnails))
  }

  /// Of the most frequent confusions, the images that the student is surest of.
  private func examples(
    _ run: ReportedRun, _ measured: RunMeasurement, _ pairs: [Unresolved], _ count: Int, _ thumbnails: Thumbnails
  ) -> [ReportBlock] {
    let indices = pairs.prefix(4).flatMap { pair in
      pair.images.sorted { measured.student.confidences[$0] > measured.student.confidences[$1] }.prefix(3)
    }.prefix(count)
    do {
      let pictures = try thumbnails.pictures(of: run, Array(indices), side: 48)
      return [
        .pictures(
          zip(indices, pictures).map { index, picture in
            let sure = Format.percent(Double(measured.student.confidences[index]) / 10_000)
            let taken = measured.className(measured.student.predictions[index])
            return ReportPicture(
              picture, caption: "\(measured.className(measured.labels[index])), taken for \(taken) (\(sure) sure)")
          })
      ]
    } catch {
      return [.note("The images are not shown: \(error)")]
    }
  }
}

/// How often teacher and student are right, in percent.
private struct Agreement {
  private(set) var (both, teacherOnly, studentOnly, neither, same) = (0.0, 0.0, 0.0, 0.0, 0.0)

  init?(_ measured: RunMeasurement) {
    guard let teacher = measured.teacher, !measured.labels.isEmpty else { return nil }
    let one = 100 / Double(measured.labels.count)
    for (label, (own, theirs)) in zip(measured.labels, zip(measured.student.predictions, teacher.predictions)) {
      if own == theirs { same += one }
      switch (own == label, theirs == label) {
      case (true, true): both += one
      case (false, true): teacherOnly += one
      case (true, false): studentOnly += one
      case (false, false): neither += one
      }
    }
  }
}

/// Images of a class that the student takes for another, and the teacher does not.
struct Unresolved {
  let label: Int
  let taken: Int
  let images: [Int]
}

extension RunMeasurement {
  /// The most frequent first.
  fileprivate var unresolved: [Unresolved] {
    guard let teacher else { return [] }
    let wrong = labels.indices.filter { teacher.predictions[$0] == labels[$0] && student.predictions[$0] != labels[$0] }
    return Dictionary(grouping: wrong) { [labels[$0], student.predictions[$0]] }
      .map { Unresolved(label: $0.key[0], taken: $0.key[1], images: $0.value) }
      .sorted { ($1.images.count, $0.label, $0.taken) < ($0.images.count, $1.label, $1.taken) }
  }
}
