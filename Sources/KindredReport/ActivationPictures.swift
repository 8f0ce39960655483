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
        the network holds to be similar.
        """,
      panels: panels.map { HeatMap.Panel(title: $0.title, values: $0.matrix, rows: size, columns: size) },
      classStarts: classStarts, classNames: classNames, columns: .likeRows, scale: .shared)
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
