// swift-tools-version: 6.1
import PackageDescription

/// libtorch, as the pkg-config file that the set-up writes describes it. A checkout of one's own has that file in its
/// `.deps`. Where this package is another's dependency (SwiftPM clones it into `checkouts`, and reads its manifest in `/`
/// before that), the file is found by name, in `PKG_CONFIG_PATH`; and so it is where SwiftPM would split the path, and where
/// `make dist` has a file of its own.
let libtorch: String = {
  let (name, folder) = ("kindred-libtorch", Context.packageDirectory)
  let isFoundByName =
    folder == "/" || folder.contains("/checkouts/") || folder.contains(" ")
    || Context.environment["KINDRED_LIBTORCH_BY_NAME"] != nil
  return isFoundByName ? name : "\(folder)/.deps/pkgconfig/\(name).pc"
}()

let package = Package(
  name: "Kindred",
  products: [
    .library(name: "Torch", targets: ["Torch"]),
    .library(name: "Graph", targets: ["Graph"]),
    .library(name: "Kindred", targets: ["Kindred"]),
    .library(name: "KindredVision", targets: ["KindredVision"]),
    .library(name: "KindredCLI", targets: ["KindredCLI"]),
    .executable(name: "kindred", targets: ["KindredMain"]),
    .executable(name: "kindred-bench", targets: ["KindredBenchmark"]),
    .executable(name: "kindred-reliability", targets: ["KindredReliability"]),
    .library(name: "FaultyDisk", type: .dynamic, targets: ["FaultyDisk"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CLibtorch", pkgConfig: libtorch),
    .target(name: "CTorch", dependencies: ["CLibtorch"], cxxSettings: [.headerSearchPath("gloo-shim")]),
    .target(name: "Files", dependencies: ["CZlib"]),
    .target(name: "Torch", dependencies: ["CTorch", "Files"]),
    .target(
      name: "Graph", dependencies: ["Files", "Torch", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["ONNX/onnx.proto"]),
    .target(name: "Kindred", dependencies: ["CZlib", "Files", "Graph", "Torch"]),
    .target(
      name: "KindredVision",
      dependencies: [
        "CCurl", "COpenSSL", "CPNG", "CTurboJPEG", "CWebP", "CZlib", "Files", "Graph", "Kindred", "Torch",
      ]),
    .target(
      name: "KindredReport",
      dependencies: [
        "CPNG", "Files", .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["TensorBoard/event.proto"]),
    .target(
      name: "KindredExperiments",
      dependencies: ["Files", "Graph", "Kindred", "KindredVision", "KindredReport", "Torch", "Yams"]),
    .target(
      name: "KindredCLI",
      dependencies: [
        "Files", "Graph", "Kindred", "KindredExperiments", "KindredReport", "KindredVision", "Torch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(name: "KindredMain", dependencies: ["KindredCLI"]),
    .executableTarget(
      name: "OwnKindred", dependencies: ["Graph", "Kindred", "KindredCLI", "KindredVision", "Torch"],
      path: "Examples/OwnKindred/Sources/OwnKindred"),
    .executableTarget(
      name: "KindredBenchmark",
      dependencies: [
        "Graph", "Kindred", "KindredVision", "Torch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/KindredBenchmark"),
    .target(name: "AllocationMeter", path: "Tests/AllocationMeter"),
    .target(name: "FaultyDisk", path: "Tests/FaultyDisk"),
    .executableTarget(
      name: "KindredReliability",
      dependencies: [
        "AllocationMeter", "CZlib", "Files", "GoldenFiles", "Graph", "Kindred", "KindredExperiments", "KindredReport",
        "KindredVision", "TestSupport", "Torch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Reliability"),
    .executableTarget(
      name: "GroupTrial", dependencies: ["Graph", "Kindred", "KindredVision", "Torch"], path: "Tests/GroupTrial"),
    .target(
      name: "GoldenFiles", dependencies: ["Torch"], path: "Tests/GoldenFiles", resources: [.copy("Files")]),
    .target(name: "TestSupport", dependencies: ["Graph", "Kindred", "Torch"], path: "Tests/TestSupport"),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
    .testTarget(name: "TorchTests", dependencies: ["GoldenFiles", "Graph", "TestSupport", "Torch"]),
    .testTarget(name: "GraphTests", dependencies: ["GoldenFiles", "Graph", "TestSupport", "Torch"]),
    .testTarget(name: "KindredTests", dependencies: ["GoldenFiles", "Graph", "Kindred", "TestSupport", "Torch"]),
    .testTarget(
      name: "KindredVisionTests",
      dependencies: ["CPNG", "CZlib", "GoldenFiles", "Graph", "Kindred", "KindredVision", "TestSupport", "Torch"]),
    .testTarget(name: "KindredReportTests", dependencies: ["KindredReport", "TestSupport"]),
    .testTarget(
      name: "KindredExperimentsTests",
      dependencies: [
        "GoldenFiles", "Kindred", "KindredExperiments", "KindredReport", "KindredVision", "TestSupport", "Torch",
      ]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "GoldenFiles", "Graph", "GroupTrial", "Kindred", "KindredCLI", "KindredMain", "KindredReport", "KindredVision",
        "OwnKindred", "TestSupport", "Torch",
      ]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
