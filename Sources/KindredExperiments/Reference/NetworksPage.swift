// The page of networks: families, and what each network costs.

import KindredReport
import KindredVision

extension Reference {
  static func networks(_ numbers: Numbers) -> String {
    var page = MarkdownPage(
      "Networks",
      "Parameters and multiply-adds are those of one image of the usual size, with 100 classes for images of 32 pixels and "
        + "1,000 for those of 224. Images of other sizes can be taken too. Names of parameters, structure and initialisation are "
        + "those of the source, so that weights go from one to the other.",
      "Taps are where activations can be compared: `stem`, `stage1` and so on, these before their last ReLU "
        + "(`stage1.pre`), the `last` map, `pooled` and `logits`. `kindred networks` prints the same, also as JSON; a network "
        + "in an ONNX file is shown by `kindred inspect FILE.onnx`.",
      "CIFAR-100 % is the accuracy of the network trained alone that was published for the usual benchmark, as [the studies of its "
        + "pairs](../../Experiments/cifar100) have it; [Results](../results.md) has what was measured here.")
    for family in Networks.families { add(family, numbers, to: &page) }
    return page.text
  }

  private static func add(_ family: NetworkFamily, _ numbers: Numbers, to page: inout MarkdownPage) {
    let classes = family.imageSize == 32 ? 100 : 1000
    page.heading(family.title)
    page.paragraphs(
      "\(family.source). Images of \(family.imageSize) x \(family.imageSize), \(classes.grouped) classes.")
    let networks = family.names.compactMap { Architecture(name: $0) }
    let taps = networks.map { $0.taps.map(\.code).joined(separator: " ") }
    let areAlike = Set(taps).count == 1
    if areAlike { page.paragraphs("Taps: \(taps[0])") }
    let hasPublished = networks.contains { numbers.networks[$0.name] != nil }
    page.table(
      ["Network", "Parameters", "Multiply-adds"] + (hasPublished ? ["CIFAR-100 %"] : []) + (areAlike ? [] : ["Taps"]),
      zip(networks, taps).map { network, taps in
        let multiplyAdds = network.multiplyAdds(
          classes: classes, inputChannels: 3, inputHeight: family.imageSize, inputWidth: family.imageSize)
        let parameters = network.parameterCount(classes: classes, inputChannels: 3)
        let published = numbers.networks[network.name].map { Format.decimal($0, places: 2) } ?? "–"
        return [network.name.code, parameters.grouped, multiplyAdds.grouped] + (hasPublished ? [published] : [])
          + (areAlike ? [] : [taps])
      })
  }
}
