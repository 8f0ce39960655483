// swift-tools-version: 6.1
// A `kindred` with a loss and a network of its own. Outside of a checkout, name Kindred by its version in place of the path.
import PackageDescription

let package = Package(
  name: "OwnKindred",
  products: [.executable(name: "own-kindred", targets: ["OwnKindred"])],
  dependencies: [.package(name: "kindred", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnKindred",
      dependencies: ["Graph", "Kindred", "KindredCLI", "KindredVision", "Torch"].map {
        .product(name: $0, package: "kindred")
      })
  ],
  swiftLanguageModes: [.v6]
)
