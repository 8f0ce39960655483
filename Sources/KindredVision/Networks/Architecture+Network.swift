// From a network's name to the network.

import Kindred
import Torch

extension Architecture {
  /// A freshly initialised network in training mode, its convolution weights channels-last.
  public func network(classes: Int, inputChannels: Int = 3, generator: Generator) -> Network {
    let network: Network =
      switch family {
      case .wideResNet:
        WideResNet(depth: depth, width: width, inputChannels: inputChannels, classes: classes, generator: generator)
      case .resNet:
        ResNet(
          depth: depth, channels: [stemChannels] + stageChannels, inputChannels: inputChannels, classes: classes,
          generator: generator)
      }
    network.move(to: .cpu)
    return network
  }
}
