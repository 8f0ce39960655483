// The names of the known sets' classes, in the order of their labels.

extension DataSetName {
  /// The classes' names; a label is an index into them.
  public var classNames: [String] {
    switch self {
    case .cifar10: return words("airplane automobile bird cat deer dog frog horse ship truck")
    case .cifar100: return words(cifar100Names)
    case .mnist: return words("0 1 2 3 4 5 6 7 8 9")
    case .fashionMNIST:
      return ["T-shirt/top"] + words("trouser pullover dress coat sandal shirt sneaker bag") + ["ankle boot"]
    case .textures: return Textures.classNames
    }
  }

  private func words(_ list: String) -> [String] {
    list.split(whereSeparator: \.isWhitespace).map(String.init)
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
