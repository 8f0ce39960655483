// What kind of file somebody named as an exported network, before any program in it is run.

import CTorch
import Files
import Foundation

/// A file that PyTorch wrote, told apart by the names of its entries.
package struct ExportedArchive {
  package enum Content: Equatable {
    case torchScript
    /// A package, and the name of the model in it.
    case package(model: String)
  }

  package let content: Content
  private let file: URL
  private let entries: [String]

  /// - Throws: `ExportedModelError` for whatever is no exported network, saying what it is instead.
  package init(_ file: URL) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder) else {
      throw ExportedModelError(file, "there is no such file")
    }
    guard !isFolder.boolValue else { throw ExportedModelError(file, "is a folder; name a file") }
    try ExportedArchive.checkSizes(of: file)
    guard let names = owned(ct_archive_entries(file.path)) else {
      throw ExportedModelError(
        file, "is damaged, or neither a TorchScript file nor an AOTInductor package\(ExportedArchive.kind(of: file))")
    }
    self.file = file
    entries = names.split(separator: "\n").map(String.init)
    content = try ExportedArchive.content(of: entries, file)
  }

  /// libtorch's reader makes room for whatever an entry says that it takes, be it gigabytes.
  private static func checkSizes(of file: URL) throws {
    guard let data = try? Data(contentsOf: file, options: .alwaysMapped), let directory = ZipDirectory(data),
      let entry = directory.impossibleEntry
    else { return }
    throw ExportedModelError(
      file,
      "is damaged: its entry '\(entry.name.prefix(60))' of \(entry.packed) bytes says that it unpacks to \(entry.size)")
  }

  /// What a file is that is no archive of PyTorch's, and what to do; libtorch's words where only its bytes tell.
  private static func kind(of file: URL) -> String {
    // A zip file is what was expected, and this one is damaged.
    guard let kind = FileKind(of: file), !kind.isZip else { return " (\(lastReason()))" }
    let remedy = kind.isPyTorch ? "save the network with torch.jit" : kind.remedy
    return ": it is \(kind.name)" + (remedy.map { "; \($0)" } ?? "")
  }

  private static func content(of entries: [String], _ file: URL) throws -> Content {
    let models = ExportedArchive.models(in: entries)
    if let model = models.count == 1 ? models.first : models.first(where: { $0 == "model" }) {
      return .package(model: model)
    }
    if !models.isEmpty {
      throw ExportedModelError(file, "holds several models (\(models.sorted().joined(separator: ", "))); package one")
    }
    if entries.contains("constants.pkl") { return .torchScript }
    if entries.contains("data.pkl") {
      throw ExportedModelError(file, "holds saved objects such as a state_dict; save the network with torch.jit")
    }
    throw ExportedModelError(
      file, "holds no compiled model; make one with torch._inductor.aoti_compile_and_package, or use torch.jit")
  }

  /// The models that are compiled: those whose folder holds a library.
  private static func models(in entries: [String]) -> Set<String> {
    let parts = entries.filter { $0.hasSuffix(".so") }.map { $0.split(separator: "/") }
    return Set(parts.filter { $0.count > 3 && $0.starts(with: ["data", "aotinductor"]) }.map { String($0[2]) })
  }

  /// Refuses a package that was compiled for another device or for instructions that this processor lacks, which would
  /// end the program without a word.
  /// - Throws: `ExportedModelError`.
  package func checkMachine(of model: String, for device: Device) throws {
    let metadata = try self.metadata(of: model)
    let kind = device == .cpu ? "cpu" : "cuda"
    if let compiled = metadata["AOTI_DEVICE_KEY"], compiled != kind {
      throw ExportedModelError(file, "is compiled for \(compiled), but this run is on \(kind)")
    }
    let instructions = (metadata["AOTI_CPU_ISA"] ?? "").split(separator: " ").map(String.init)
    if let missing = Runtime.missingInstructions(among: instructions) {
      throw ExportedModelError(
        file, "is compiled for processors with \(missing), which this one lacks; compile it here")
    }
  }

  /// What a package says of the machine it was made for.
  private func metadata(of model: String) throws -> [String: String] {
    let folder = "data/aotinductor/\(model)/"
    guard let entry = entries.first(where: { $0.hasPrefix(folder) && $0.hasSuffix("_metadata.json") }) else {
      return [:]
    }
    guard let json = owned(ct_archive_text(file.path, entry)) else {
      throw ExportedModelError(file, "is damaged: \(lastReason())")
    }
    return (try? JSONDecoder().decode([String: String].self, from: Data(json.utf8))) ?? [:]
  }
}

extension Runtime {
  /// The first of some instruction sets, by PyTorch's names such as `AVX512`, that this processor says it lacks.
  static func missingInstructions(among names: [String]) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return nil }
    let flags = Set(line.split(separator: " ").map(String.init))
    let known = ["AVX2": "avx2", "AVX512": "avx512f", "AVX512_VNNI": "avx512_vnni", "AMX_TILE": "amx_tile"]
    return names.first { name in known[name].map { !flags.contains($0) } ?? false }
  }
}
