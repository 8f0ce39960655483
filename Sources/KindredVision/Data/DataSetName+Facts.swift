/// What is known of a data set before it is loaded, so that impossible settings are refused early.
extension DataSetName {
  /// The shape of an image.
  public var imageShape: (channels: Int, height: Int, width: Int) {
    switch self {
    case .cifar10, .cifar100, .textures: (3, 32, 32)
    case .mnist, .fashionMNIST: (1, 28, 28)
    }
  }

  /// The same, as tensors' shapes are.
  package var inputShape: [Int] { [imageShape.channels, imageShape.height, imageShape.width] }

  /// The number of classes.
  public var classCount: Int { classNames.count }

  /// The number of images.
  public func imageCount(_ split: DataSplit) -> Int {
    switch self {
    case .cifar10, .cifar100: split == .train ? 50_000 : 10_000
    case .mnist, .fashionMNIST: split == .train ? 60_000 : 10_000
    case .textures: Textures.defaultCount(split)
    }
  }
}
