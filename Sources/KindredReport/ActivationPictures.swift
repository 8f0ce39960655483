// The figures of activations: what networks hold to be similar, and which of their channels answer to which class.

/// Similarity matrices of one batch, sorted by class, as networks see it: a panel each, the teacher first.
///
/// In a good network the squares on the diagonal, the pairs of one class, stand out. All panels share one scale, so
/// that equal colours are equal numbers.
package struct SimilarityPicture: Sendable {
  private let map: HeatMap

  /// - Parameters:
  ///   - panels: at least one network: its name, and `size x size` numbers, row by row: the Gram matrix of the batch's
  ///     activations, each row divided by its L2 norm.
  ///   - size: the batch's size.
  ///   - images: what the batch is made of, such as `textures test images`.
  ///   - classStarts: the index of each class's first sample, ascending, from 0; see `classStarts(ofSorted:)`.
  ///   - classNames: one for each class in `classStarts`, or none.
  package init(
    panels: [(title: String, matrix: [Float])], size: Int, of images: String, classStarts: [Int],
    classNames: [String] = []
  ) {
    map = HeatMap(
      heading: "Row-normalised Gram matrices of \(size) \(images), sorted by class",
      description: """
        A square of colours for each of \(panels.map(\.title).joined(separator: ", ")): the Gram matrix of its activations \
        for \(size) \(images) of \(classStarts.count) classes. Light squares on the diagonal are images of one class that \
        the network holds to be similar. Below each stand the mean entry of two images of one class and that of two classes, \
        and of all but the first the loss of SP between the first and it: |G_1 - G|^2 / n^2.
        """,
      panels: panels.enumerated().map { index, panel in
        HeatMap.Panel(
          title: panel.title, values: panel.matrix, rows: size, columns: size,
          notes: Self.pairs(of: panel.matrix, size, classStarts)
            + (index == 0 ? [] : [Self.distance(of: panel.matrix, to: panels[0])]))
      },
      classStarts: classStarts, classNames: classNames, columns: .likeRows, scale: .shared)
  }

  /// The means of the entries of pairs of one class, and of two; nothing where one of them has no pairs.
  private static func pairs(of matrix: [Float], _ size: Int, _ classStarts: [Int]) -> [String] {
    let classes = (0..<size).map { sample in classStarts.count { $0 <= sample } }
    var (same, other) = ((sum: 0.0, count: 0), (sum: 0.0, count: 0))
    for row in 0..<size {
      for column in 0..<size where column != row {
        let value = Double(matrix[row * size + column])
        if classes[row] == classes[column] {
          same = (same.sum + value, same.count + 1)
        } else {
          other = (other.sum + value, other.count + 1)
        }
      }
    }
    guard same.count > 0, other.count > 0 else { return [] }
    let means = [same, other].map { Format.value($0.sum / Double($0.count)) }
    return ["pairs of one class \(means[0]), of two \(means[1])"]
  }

  private static func distance(of matrix: [Float], to first: (title: String, matrix: [Float])) -> String {
    let squares = zip(first.matrix, matrix).map { Double(($0 - $1) * ($0 - $1)) }
    return "SP loss to \(first.title): \(Format.value(Statistics.mean(squares) ?? .nan))"
  }

  /// Where each class begins in a list of labels that is sorted by class.
  package static func classStarts(ofSorted labels: [Int]) -> [Int] {
    labels.indices.filter { $0 == 0 || labels[$0] != labels[$0 - 1] }
  }

  /// The drawing.
  package func draw() -> SVGDocument { map.draw() }
}

/// How much each channel of networks answers to images of each class: a panel each, classes in rows.
///
/// Networks' numbers are of different sizes, so that each panel has a scale of its own.
package struct ChannelPicture: Sendable {
  private let map: HeatMap

  /// - Parameters:
  ///   - panels: at least one network: its name, and a number for each class and channel, classes one after another.
  ///   - images: what was averaged over, such as `10000 cifar-10 test images`.
  ///   - classNames: a class's name for each row.
  package init(panels: [(title: String, means: [Float])], of images: String, classNames: [String]) {
    map = HeatMap(
      heading: "Mean activation of each channel, by class, of \(images)",
      description: """
        Colours for each of \(panels.map(\.title).joined(separator: ", ")): a row a class and a column a channel, the mean \
        of the channel's activations over \(images) of that class.
        """,
      panels: panels.map {
        HeatMap.Panel(
          title: $0.title, values: $0.means, rows: classNames.count, columns: $0.means.count / classNames.count)
      },
      classStarts: Array(classNames.indices), classNames: classNames, columns: .numbered("channel"), scale: .own)
  }

  /// The drawing.
  package func draw() -> SVGDocument { map.draw() }
}
