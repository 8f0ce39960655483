// What networks make of images inside: what they find alike, how much their layers agree, and which channel answers to what.

import Foundation
import KindredReport

extension ReportedStudy {
  /// The similarity matrices of teachers and of each row's first run.
  func similarities(_ measured: MeasuredRuns, _ thumbnails: Thumbnails) -> ReportSection {
    let panels = Panels(shownNetworks(measured), \.similarity)
    guard let first = panels.all.first else {
      return ReportSection(
        id: "similarity", title: "Similarity", [.note(nothing(measured, "No network names its stages."))])
    }
    let (of, images) = (first.measured, first.activation.images)
    var notes = panels.leftOut
    var sheet: PictureSheet?
    do {
      sheet = PictureSheet(id: "images", try thumbnails.pictures(of: first.run, images, side: 32))
    } catch {
      notes.append("The images are not shown: \(error)")
    }
    let side = ReportMatrix.Side(
      names: images.map(of.title), sheet: sheet, groups: groups(images.map { of.labels[$0] }, of))
    let scale = ColourScale(of: panels.all.flatMap(\.activation.values))
    let matrices = panels.all.map { panel in
      ReportMatrix(
        title: "\(panel.name), \(panel.activation.tap)", values: panel.activation.values, rows: side, columns: side,
        scale: scale)
    }
    let words = """
      Which of \(images.count) images a network finds alike, sorted by class: the Gram matrix of its last stage's activations, \
      each row divided by its L2 norm. Light squares on the diagonal are classes that hold together. All share one scale. \
      Pointing at an entry, or going there by arrow keys, shows its two images.
      """
    let tables = panels.all.compactMap { panel in
      classMeans(panel.activation.values, images.map { of.labels[$0] }, of).map {
        ReportBlock.table($0.titled(panel.name))
      }
    }
    return ReportSection(
      id: "similarity", title: "Similarity",
      [.text(words), .matrices(matrices)] + notes.map { .note($0) } + distances(measured)
        + (tables.isEmpty ? [] : [.details(title: "Means between classes", isOpen: false, tables)]))
  }

  /// Classes that follow each other; none where there is no room for their names.
  private func groups(_ labels: [Int], _ measured: RunMeasurement) -> [(name: String, count: Int)] {
    let classes = labels.uniqued
    guard classes.count <= 25 else { return [] }
    return classes.map { label in (measured.className(label), labels.count { $0 == label }) }
  }

  /// The loss of SP between teacher and student, on these images.
  private func distances(_ measured: MeasuredRuns) -> [ReportBlock] {
    var table = ReportTable(
      "Distance to the teacher's matrix on these images: |G_teacher - G_student|^2 / n^2, mean over the runs, in 1e-6",
      [.text("method"), .number("runs"), .number("distance")])
    for row in students(measured) {
      let distances = row.runs.compactMap { _, measured -> Double? in
        guard let own = measured.student.similarity, let theirs = measured.teacher?.similarity,
          own.images == theirs.images
        else { return nil }
        let squares = zip(own.values, theirs.values).map { Double(($0 - $1) * ($0 - $1)) }
        return Statistics.mean(squares).map { $0 * 1e6 }
      }
      guard let mean = Statistics.mean(distances) else { continue }
      table.append([.init(row.name), "\(distances.count)", .init(Format.value(mean))])
    }
    return table.rows.isEmpty ? [] : [.table(table)]
  }

  /// The mean similarity of images of two classes, an image with itself left out; nil for many classes.
  private func classMeans(_ values: [Float], _ labels: [Int], _ measured: RunMeasurement) -> ReportTable? {
    let classes = labels.uniqued
    guard classes.count <= 12, labels.count > classes.count else { return nil }
    var table = ReportTable("", [.text("class")] + classes.map { .number(measured.className($0)) })
    let means = classes.map { first in
      classes.map { second -> Double in
        let pairs = labels.indices.filter { labels[$0] == first }.flatMap { row in
          labels.indices.filter { labels[$0] == second && $0 != row }.map { Double(values[row * labels.count + $0]) }
        }
        return Statistics.mean(pairs) ?? .nan
      }
    }
    let known = means.joined().filter(\.isFinite)
    let (least, most) = (known.min() ?? 0, known.max() ?? 1)
    for (label, row) in zip(classes, means) {
      table.append(
        [.init(measured.className(label))]
          + row.map { .init(Format.decimal($0, places: 3), shade: ($0 - least) / max(most - least, 1e-9)) })
    }
    return table
  }

  /// CKA between the taps of teacher and student.
  func alignments(_ measured: MeasuredRuns) -> ReportSection {
    let rows = students(measured)
    let shown = rows.filter { $0.first.measured.alignment != nil }
    let absences = rows.filter { $0.first.measured.alignment == nil }.map {
      ReportBlock.note("\($0.name): \($0.first.measured.teacherAbsence ?? "a network names no stages").")
    }
    guard let first = shown.first?.first.measured.alignment else {
      let why = absences.isEmpty ? [.note(nothing(measured, "No run learnt from a teacher."))] : absences
      return ReportSection(id: "cka", title: "Agreement of layers (CKA)", why)
    }
    let words = """
      Linear CKA of activations flattened to X and Y and centred over the images: |Y^T X|^2 / (|X^T X| |Y^T Y|), Frobenius \
      norms, on \(first.images) images at once. 1 is the same arrangement of the images but for rotation and size, 0 is none in \
      common; few images for wide layers make it larger. Means over the runs; rows are the teacher's taps.
      """
    return ReportSection(
      id: "cka", title: "Agreement of layers (CKA)",
      [.text(words)] + shown.map { .table(alignment(of: $0)) } + absences)
  }

  private func alignment(of row: MeasuredRow) -> ReportTable {
    let alignments = row.runs.compactMap(\.measured.alignment)
    let first = alignments[0]
    let alike = alignments.filter { $0.teacherTaps == first.teacherTaps && $0.studentTaps == first.studentTaps }
    var table = ReportTable(row.name, [.text("teacher's")] + first.studentTaps.map { .number($0) })
    for (index, tap) in first.teacherTaps.enumerated() {
      table.append(
        [.init(tap)]
          + first.studentTaps.indices.map { column in
            let mean = Statistics.mean(alike.map { $0.values[index * first.studentTaps.count + column] }) ?? .nan
            return .init(Format.decimal(mean, places: 3), shade: mean)
          })
    }
    return table
  }

  /// How much channels answer to classes.
  func channels(_ measured: MeasuredRuns) -> ReportSection {
    let panels = Panels(shownNetworks(measured), \.channels)
    guard let first = panels.all.first else {
      return ReportSection(id: "channels", title: "Channels", [.note(nothing(measured, "No network has channels."))])
    }
    let names = first.measured.classNames
    let matrices = panels.all.filter { $0.activation.values.count % names.count == 0 }.map { panel in
      ReportMatrix(
        title: "\(panel.name), \(panel.activation.tap)", values: panel.activation.values,
        rows: .init(names: names, groups: names.count <= 25 ? names.map { ($0, 1) } : []),
        columns: .init(names: (0..<panel.activation.values.count / names.count).map { "channel \($0)" }))
    }
    let words = """
      How much each channel of the last stage (across) answers to each class (down): its mean over an image's places, and over \
      \(first.activation.images.count) images. Each has its own scale.
      """
    return ReportSection(
      id: "channels", title: "Channels", [.text(words), .matrices(matrices)] + panels.leftOut.map { .note($0) })
  }

  /// A network that is shown.
  fileprivate struct Shown {
    let name: String
    let network: NetworkMeasurement
    let measured: RunMeasurement
    let run: ReportedRun
  }

  /// Teachers, then the first run of each row.
  private func shownNetworks(_ measured: MeasuredRuns) -> [Shown] {
    teachers(measured).map {
      Shown(name: "teacher \($0.network.name)", network: $0.network, measured: $0.of, run: $0.run)
    }
      + measuredRows(measured).map { row in
        let name = row.runs.count == 1 ? row.name : "\(row.name) \(row.first.run.repetition)"
        return Shown(name: name, network: row.first.measured.student, measured: row.first.measured, run: row.first.run)
      }
  }
}

/// Activations of networks on the same images.
private struct Panels {
  struct Panel {
    let name: String
    let activation: NetworkMeasurement.Activation
    let measured: RunMeasurement
    let run: ReportedRun
  }

  private(set) var all: [Panel] = []
  private(set) var leftOut: [String] = []

  /// A page has room for so many.
  private static let most = 8

  init(_ shown: [ReportedStudy.Shown], _ activation: KeyPath<NetworkMeasurement, NetworkMeasurement.Activation?>) {
    for one in shown {
      guard let own = one.network[keyPath: activation] else {
        leftOut.append("\(one.name): the network names no stages with channels.")
        continue
      }
      if let first = all.first, first.measured.labels != one.measured.labels || first.activation.images != own.images {
        leftOut.append("\(one.name): was measured on other images.")
      } else if all.count == Self.most {
        leftOut.append("\(one.name): one of more than \(Self.most).")
      } else {
        all.append(Panel(name: one.name, activation: own, measured: one.measured, run: one.run))
      }
    }
  }
}

extension ReportTable {
  /// The same under another caption.
  fileprivate func titled(_ caption: String) -> ReportTable {
    var other = ReportTable(caption, columns)
    for row in rows { other.append(row) }
    return other
  }
}
