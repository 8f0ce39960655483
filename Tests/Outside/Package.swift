// swift-tools-version: 6.1
// A package of somebody else's that names Kindred by version. `Scripts/try-outside.sh` copies it beside a tagged clone,
// with the sources of Examples/OwnKindred.
import PackageDescription

let package = Package(
  name: "Outside",
  dependencies: [.package(url: "file://\(Context.packageDirectory)/../kindred.git", from: "0.1.0")],
  targets: [
    .executableTarget(
      name: "Outside",
      dependencies: ["Torch", "Kindred", "KindredVision"].map { .product(name: $0, package: "kindred") }),
    .executableTarget(
      name: "OwnKindred",
      dependencies: ["Graph", "Torch", "Kindred", "KindredVision", "KindredCLI"].map {
        .product(name: $0, package: "kindred")
      }),
  ],
  swiftLanguageModes: [.v6]
)
