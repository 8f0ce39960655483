// CIFAR-10 and CIFAR-100.

import Foundation

extension DataSet {
  /// Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009: ten classes.
  public static let cifar10 = cifar(
    "cifar-10", classNames: words("airplane automobile bird cat deer dog frog horse ship truck"),
    md5: "c32a1d4ab5d03f1284b67883e8d87530")

  /// The same authors' hundred classes.
  public static let cifar100 = cifar(
    "cifar-100", classNames: words(cifar100Names), md5: "03b5dce01913d631647c71ecec9e9cb8")

  private static func cifar(_ name: String, classNames: [String], md5: String) -> DataSet {
    let reader = CIFARReader(name, classNames: classNames)
    return DataSet(
      name, about: "Krizhevsky, 2009", imageShape: (3, 32, 32), classNames: classNames, counts: (50_000, 10_000),
      statistics: reader.statistics, augmentation: Augmentation(cropPadding: 4, flip: true),
      publication: Publication(
        base: URL(string: "https://www.cs.toronto.edu/~kriz/")!, files: [reader.archive(md5: md5)],
        isInAnotherLayout: { sets in
          reader.archive(md5: md5).isPresent(in: sets) || reader.hasPythonFiles(in: sets)
        }),
      read: { try reader.load($0, from: $1) })
  }
}

extension CIFARReader {
  /// The official archive of binary files.
  fileprivate func archive(md5: String) -> PublishedFile {
    let files = DataSplit.allCases.flatMap { split in fileNames(split).map { ($0, fileBytes(split)) } }
    return PublishedFile(
      name: "\(name)-binary.tar.gz", md5: md5,
      unpackedFolder: .init(folder: archiveFolder(), sizes: Dictionary(uniqueKeysWithValues: files)))
  }
}

private let cifar100Names = """
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
  castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
  elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard
  lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
  pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
  shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
  television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
  """
