// A few steps of similarity-preserving distillation, with libraries that another package gets.

import Kindred
import KindredVision
import Torch

let teacher = Architecture(name: "resnet-14")!.network(classes: 10, generator: Generator(seed: 1))
let student = Architecture(name: "resnet-8")!.network(classes: 10, generator: Generator(seed: 2))
let images = Generator(seed: 3).normal([16, 3, 32, 32])

let similarities = { (network: Network) in
  similarityMatrix(network.activations(of: images, ActivationRequest(taps: ["stage3"])).tap("stage3"))
}

let wanted = withoutGradients { similarities(teacher) }
let optimizer = SGD(student.parameters, learningRate: 1)
let losses = (0..<10).map { _ in
  let loss = (similarities(student) - wanted).squared().mean()
  loss.backward()
  optimizer.step()
  return loss.item
}
print("similarity loss: \(losses[0]) at first, \(losses[9]) after nine steps, with libtorch \(Runtime.version)")
guard losses[9] < losses[0] else { fatalError("the student learned nothing") }
