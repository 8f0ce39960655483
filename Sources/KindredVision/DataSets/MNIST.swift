// MNIST, and Fashion-MNIST in its form.

import Foundation

extension DataSet {
  /// LeCun, Cortes & Burges: handwritten digits. They fill their frame's centre by construction and a mirrored digit is no
  /// digit, so they are neither cropped nor flipped.
  public static let mnist = idx(
    IDXReader.mnist, about: "LeCun, Cortes & Burges", augmentation: .none,
    base: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5: [
      "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
      "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
    ])

  /// Xiao, Rasul & Vollgraf, *Fashion-MNIST*, 2017: articles of clothing, centred likewise, so that they are only flipped.
  public static let fashionMNIST = idx(
    IDXReader.fashionMNIST, about: "Xiao, Rasul & Vollgraf, 2017", augmentation: Augmentation(flip: true),
    base: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5: [
      "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
      "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
    ])

  /// - Parameter md5: of training images and labels, test images and labels.
  private static func idx(_ reader: IDXReader, about: String, augmentation: Augmentation, base: String, md5: [String])
    -> DataSet
  {
    let files = reader.publishedFiles(md5: md5)
    return DataSet(
      reader.name, about: about, imageShape: (1, 28, 28), classNames: reader.classNames, counts: (60_000, 10_000),
      statistics: reader.statistics, augmentation: augmentation,
      publication: Publication(
        base: URL(string: base)!, files: files,
        isInAnotherLayout: { sets in
          reader.namedFolders(in: sets).contains { place in files.allSatisfy { $0.isPresent(in: place) } }
        }),
      read: { try reader.load($0, from: $1) })
  }
}

extension IDXReader {
  fileprivate func publishedFiles(md5: [String]) -> [PublishedFile] {
    let files = DataSplit.allCases.flatMap { split in
      let bytes = fileBytes(split)
      return [(imagesName(split), bytes.images), (labelsName(split), bytes.labels)]
    }
    return zip(files, md5).map { PublishedFile(name: $0.0 + ".gz", md5: $1, plainBytes: $0.1) }
  }
}
