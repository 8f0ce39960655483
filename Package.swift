// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// The folder that holds libtorch's `include` and `lib`: `LIBTORCH`, else what `make setup` put into `.deps`.
let libtorch: String = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
  return ProcessInfo.processInfo.environment["LIBTORCH"] ?? root + "/.deps/libtorch"
}()

let hasCUDA = FileManager.default.fileExists(atPath: libtorch + "/lib/libtorch_cuda.so")

/// CUDA's own headers, which capturing graphs is compiled with: beside a libtorch that came as packages, else in a
/// toolkit. Without them everything else still works.
let cudaHeaders: String? = {
  let toolkit = ProcessInfo.processInfo.environment["CUDA_HOME"] ?? "/usr/local/cuda"
  let folders = [libtorch + "/../nvidia/cu13/include", toolkit + "/include"]
  let isComplete = { (folder: String) in
    ["cuda_runtime.h", "crt/host_config.h"].allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
  }
  return hasCUDA ? folders.first(where: isComplete) : nil
}()

let torchLibraries = [
  "-L" + libtorch + "/lib", "-ltorch_cpu", "-lc10", "-Xlinker", "-rpath", "-Xlinker", libtorch + "/lib",
]
/// The CUDA library registers its kernels when it is loaded; without this the linker would drop it as unused.
let cudaLibraries = ["-Xlinker", "--no-as-needed", "-ltorch_cuda", "-lc10_cuda", "-Xlinker", "--as-needed"]

let package = Package(
  name: "Kindred",
  products: [
    .library(name: "Torch", targets: ["Torch"]),
    .library(name: "Kindred", targets: ["Kindred"]),
    .library(name: "KindredVision", targets: ["KindredVision"]),
    .executable(name: "kindred", targets: ["KindredCLI"]),
    .executable(name: "kindred-bench", targets: ["KindredBenchmark"]),
    .executable(name: "kindred-reliability", targets: ["KindredReliability"]),
    .library(name: "FaultyDisk", type: .dynamic, targets: ["FaultyDisk"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .target(
      name: "CTorch",
      cxxSettings: [
        .unsafeFlags([
          "-isystem", libtorch + "/include", "-isystem", libtorch + "/include/torch/csrc/api/include",
          "-Wno-everything",
        ])
      ] + (cudaHeaders.map { [.define("KINDRED_CUDA"), .unsafeFlags(["-isystem", $0])] } ?? []),
      linkerSettings: [.unsafeFlags(torchLibraries + (hasCUDA ? cudaLibraries : []))]),
    .target(name: "Files"),
    .target(name: "Torch", dependencies: ["CTorch", "Files"]),
    .target(name: "Kindred", dependencies: ["CZlib", "Files", "Torch"]),
    .target(name: "KindredVision", dependencies: ["CCurl", "COpenSSL", "CZlib", "Files", "Kindred", "Torch"]),
    .target(name: "KindredReport", dependencies: ["CPNG", "Files"]),
    .target(
      name: "KindredExperiments",
      dependencies: ["Files", "Kindred", "KindredVision", "KindredReport", "Torch", "Yams"]),
    .executableTarget(
      name: "KindredCLI",
      dependencies: [
        "Files", "Kindred", "KindredExperiments", "KindredReport", "KindredVision", "Torch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "KindredBenchmark",
      dependencies: [
        "Kindred", "KindredVision", "Torch", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/KindredBenchmark"),
    .target(name: "AllocationMeter", path: "Tests/AllocationMeter"),
    .target(name: "FaultyDisk", path: "Tests/FaultyDisk"),
    .executableTarget(
      name: "KindredReliability",
      dependencies: [
        "AllocationMeter", "CZlib", "Files", "GoldenFiles", "Kindred", "KindredExperiments", "KindredReport",
        "KindredVision",
        "Torch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Reliability"),
    .target(
      name: "GoldenFiles", dependencies: ["Torch"], path: "Tests/GoldenFiles", resources: [.copy("Files")]),
    .testTarget(name: "FilesTests", dependencies: ["Files"]),
    .testTarget(name: "TorchTests", dependencies: ["GoldenFiles", "Torch"]),
    .testTarget(name: "KindredTests", dependencies: ["GoldenFiles", "Kindred", "Torch"]),
    .testTarget(
      name: "KindredVisionTests", dependencies: ["CZlib", "GoldenFiles", "Kindred", "KindredVision", "Torch"]),
    .testTarget(name: "KindredReportTests", dependencies: ["KindredReport"]),
    .testTarget(name: "KindredExperimentsTests", dependencies: ["Kindred", "KindredExperiments", "KindredVision"]),
    .testTarget(name: "CommandTests", dependencies: ["GoldenFiles", "Kindred", "KindredCLI", "Torch"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
