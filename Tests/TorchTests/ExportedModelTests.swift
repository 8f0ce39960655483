// Networks that PyTorch exported, against what PyTorch computes of them; and files that are none.

import Foundation
import GoldenFiles
import TestSupport
import Testing

@testable import Torch

private let needsPyTorch = ConditionTrait.enabled(
  if: ExportedFiles.obstacle == nil, Comment(rawValue: ExportedFiles.obstacle ?? ""))

@Suite struct ExportedModelTests {
  private let golden: [String: Tensor]

  init() throws { golden = try Golden("teacher").tensors }

  private func expected() throws -> [String: Tensor] {
    try Safetensors.read(try ExportedFiles.file("expected.safetensors")).tensors
  }

  private func check(_ outputs: ExportedOutputs, at index: Int, against expected: Tensor?) throws {
    let expected = try #require(expected)
    #expect(outputs.tensors[index].dtype == expected.dtype)
    #expect(relativeError(outputs.tensors[index], expected) < (expected.dtype == .float16 ? 1e-3 : 1e-5))
    #expect(!outputs.tensors[index].requiresGradient)
  }

  @Test(arguments: [MemoryLayout4D.contiguous, .channelsLast]) func torchScriptComputesAsPyTorch(
    layout: MemoryLayout4D
  ) throws {
    let model = try ExportedModel(try Golden.file("teacher", "pt"))
    #expect(model.form == .torchScript)
    let input = try #require(golden["input"]).contiguous(layout)
    let first = try model(input)
    #expect(first.isDictionary)
    #expect(first.names == ["logits", "early", "late", "embedding"])
    for (index, name) in first.names.enumerated() { try check(first, at: index, against: golden[name]) }
    // Not a bit may change when a network has run for some time: a run that is resumed begins with a first batch again.
    for _ in 0..<5 {
      #expect(try model(input).tensors.map { $0.bytes() } == first.tensors.map { $0.bytes() })
    }
  }

  /// One package takes any number of inputs that is not tiny, in the usual order; the other 4, channels-last.
  @Test(needsPyTorch, arguments: [("dictionary.pt2", 32), ("static.pt2", 4)]) func packagesComputeAsPyTorch(
    name: String, count: Int
  ) throws {
    let expected = try expected().mapValues { $0.narrowed(0, 0..<count) }
    let model = try ExportedModel(try ExportedFiles.file(name))
    #expect(model.form == .package)
    for layout in [MemoryLayout4D.contiguous, .channelsLast] {
      let outputs = try model(try #require(expected["input"]).contiguous(layout))
      #expect(outputs.isDictionary)
      #expect(outputs.names == ["logits", "early", "late", "embedding"])
      for (index, name) in outputs.names.enumerated() { try check(outputs, at: index, against: expected[name]) }
    }
  }

  @Test(needsPyTorch, arguments: ["tuple.pt", "tuple.pt2"]) func tuplesAreCounted(name: String) throws {
    let expected = try expected()
    let outputs = try ExportedModel(try ExportedFiles.file(name))(try #require(expected["input"]))
    #expect(!outputs.isDictionary)
    #expect(outputs.names == ["0", "1", "2"])
    for (index, name) in ["logits", "early", "late"].enumerated() {
      try check(outputs, at: index, against: expected[name])
    }
  }

  @Test(needsPyTorch) func aListWithinATupleIsLaidFlat() throws {
    let expected = try expected()
    let outputs = try ExportedModel(try ExportedFiles.file("nested.pt"))(try #require(expected["input"]))
    #expect(outputs.names == ["0.0", "0.1", "1"])
    for (index, name) in ["early", "late", "logits"].enumerated() {
      try check(outputs, at: index, against: expected[name])
    }
  }

  /// PyTorch's notation for a package's result, as its `tree_flatten` documents it.
  @Test func specificationsOfNestedResultsAreRead() throws {
    let leaf = #"{"type": null, "context": null, "children_spec": []}"#
    let list = #"{"type": "builtins.list", "context": "null", "children_spec": [\#(leaf), \#(leaf)]}"#
    let specification = try OutputSpecification(
      json: #"[1, {"type": "builtins.dict", "context": "[\"z\", \"maps\"]", "children_spec": [\#(leaf), \#(list)]}]"#)
    #expect(specification.names == ["z", "maps.0", "maps.1"])
    #expect(specification.isDictionary)
    #expect(try OutputSpecification(json: "[1, \(list)]").isDictionary == false)
    #expect(try OutputSpecification(json: "[1, \(leaf)]").names == ["0"])
  }

  @Test(needsPyTorch) func theInputStaysAsItWas() throws {
    let input = Tensor.full([2, 3, 4, 4], 5)
    let outputs = try ExportedModel(try ExportedFiles.file("inplace.pt"))(input)
    #expect(outputs.tensors[0].elements(as: Float.self) == [1, 1, 1, 1, 1, 1])
    #expect(input.elements(as: Float.self).allSatisfy { $0 == 5 })
  }

  @Test(needsPyTorch) func whatIsNoTensorIsNotDefined() throws {
    let outputs = try ExportedModel(try ExportedFiles.file("number.pt"))(.zeros([2, 3, 4, 4]))
    #expect(outputs.tensors.map(\.isFloatingPoint) == [true, false])
  }

  /// The library that a package was unpacked to is mapped while the model lives; its folder goes with the model.
  @Test(needsPyTorch) func aPackagesTemporaryFolderIsRemoved() throws {
    let before = loadedLibraries()
    var model: ExportedModel? = try ExportedModel(try ExportedFiles.file("static.pt2"))
    let found = loadedLibraries().subtracting(before).first { $0.contains("/static/") }
    let library = try #require(found)
    #expect(FileManager.default.fileExists(atPath: library))
    withExtendedLifetime(model) {}
    model = nil
    #expect(!FileManager.default.fileExists(atPath: library))
  }

  @Test(
    needsPyTorch,
    arguments: [
      ("static.pt2", [5, 3, 32, 32], "takes batches of exactly 4 inputs, not 5"),
      ("static.pt2", [4, 3, 28, 28], "takes inputs of exactly 32 along axis 2, not 28"),
      ("dictionary.pt2", [5000, 3, 32, 32], "takes batches of at most 4096 inputs, not 5000"),
      ("dictionary.pt2", [1, 3, 32, 32], "takes batches of at least "),
      ("dictionary.pt2", [32, 1, 32, 32], "takes inputs of exactly 3 along axis 1, not 1"),
      ("tuple.pt", [2, 1, 32, 32], "does not take the input: "),
      ("raises.pt", [2, 3, 32, 32], "does not take the input: wrong size: expected 224, got 32"),
      ("raises.pt", [2, 3, 33, 33], "does not take the input: RuntimeError: images of 33 are odd"),
      ("raises.pt", [2, 3, 34, 34], "does not take the input: an assertion without words failed"),
      (
        "raises.pt", [2, 1, 5, 5], "does not take the input: mat1 and mat2 shapes cannot be multiplied (2x25 and 10x3)"
      ),
      ("two-inputs.pt", [2, 3, 32, 32], "does not take the input: forward() is missing value for argument 'y'"),
    ]) func inputsThatDoNotFitAreRefused(name: String, shape: [Int], reason: String) throws
  {
    let model = try ExportedModel(try ExportedFiles.file(name))
    let error = #expect(throws: ExportedModelError.self) { try model(.zeros(shape)) }
    #expect(error?.problem.hasPrefix(reason) == true, "\(String(describing: error))")
    #expect(error?.problem.contains("\n") == false)
  }
}

/// The files that the dynamic linker has loaded. It keeps others from loading more while it tells; Swift's C library does not
/// show the function.
private func loadedLibraries() -> Set<String> {
  typealias Visit = @convention(c) (UnsafeRawPointer, Int, UnsafeMutableRawPointer?) -> Int32
  typealias Iterate = @convention(c) (Visit, UnsafeMutableRawPointer?) -> Int32
  guard let symbol = dlsym(nil, "dl_iterate_phdr") else { return [] }
  var names: Set<String> = []
  withUnsafeMutablePointer(to: &names) { names in
    _ = unsafeBitCast(symbol, to: Iterate.self)(
      { info, _, names in
        // The name stands behind the address.
        let name = info.load(fromByteOffset: MemoryLayout<UInt>.size, as: UnsafePointer<CChar>.self)
        names?.assumingMemoryBound(to: Set<String>.self).pointee.insert(String(cString: name))
        return 0
      }, names)
  }
  return names
}

@Suite struct ProgramsWordsTests {
  /// What libtorch 2.13 says; the words may lie on lines of their own, and look like a class themselves.
  @Test(arguments: [
    ("builtins.ValueError: wrong size\nRuntimeError: resize it", "wrong size RuntimeError: resize it"),
    ("RuntimeError: AssertionError: images are 224 high", "images are 224 high"),
    ("RuntimeError: AssertionError: ", "an assertion without words failed"), ("__torch__.My_Error: ", "My_Error"),
    ("RuntimeError: no such kernel.\n\nCPU: registered here\nCUDA: there", "no such kernel."),
  ]) func theyAreFoundBehindTheTrace(end: String, words: String) {
    let trace = """
      The following operation failed in the TorchScript interpreter.
      Traceback of TorchScript, serialized code (most recent call last):
        File "code/__torch__.py", line 9, in forward
            x: Tensor) -> Tensor:
            ops.prim.RaiseException("RuntimeError: no", "builtins.ValueError")
            ~~~~~~~~~~~~~~~~~~~~~~~ <--- HERE
          return x
      class Inner(Module):

      """
    #expect(reason(in: trace + end + "\n") == words)
  }

  @Test func otherTextsKeepTheirLine() {
    #expect(reason(in: "\nUnknown builtin op: a::b.\nCould not find") == "Unknown builtin op: a::b.")
    #expect(reason(in: "Error: first\nError: last\n") == "last")
    #expect(reason(in: "") == "no reason is given")
  }
}

@Suite struct ExportedFileTests {
  private func refusal(_ file: URL) -> String {
    do {
      _ = try ExportedModel(file)
      return "no refusal"
    } catch let error as ExportedModelError {
      return error.problem
    } catch { return "another error: \(error)" }
  }

  @Test func whatIsNoArchiveIsRefused() throws {
    let whole = try Data(contentsOf: try Golden.file("teacher", "pt"))
    let contents = [
      "empty.pt": Data(), "text.pt2": Data("a teacher".utf8), "half.pt": whole.prefix(whole.count / 2),
      "short.pt": whole.dropLast(1), "headless.pt": whole.dropFirst(100),
    ]
    try withTestFolder { folder in
      for (name, data) in contents {
        let file = folder.appending(path: name)
        try data.write(to: file)
        let problem = refusal(file)
        #expect(problem.hasPrefix("is damaged, or neither a TorchScript file nor"), "\(name): \(problem)")
        #expect(!problem.contains("\n"))
      }
      #expect(refusal(folder).hasPrefix("is a folder"))
      #expect(refusal(folder.appending(path: "none.pt")) == "there is no such file")
    }
  }

  @Test(arguments: [
    ("", "an empty file; copy or download it again"),
    (
      "version https://git-lfs.github.com/spec/v1\noid",
      "a git-lfs pointer; run git lfs pull"
    ),
    ("\u{8}\u{6}\u{12}\u{7}pytorch", "an ONNX file"),
    ("\u{89}PNG\r\n\u{1A}\n", "a PNG image"),
  ]) func aStrangerIsNamed(content: String, name: String) throws {
    try withTestFolder { folder in
      let file = folder.appending(path: "t.pt")
      let bytes = content.unicodeScalars.map { UInt8($0.value) }
      try Data(bytes).write(to: file)
      #expect(refusal(file) == "is damaged, or neither a TorchScript file nor an AOTInductor package: it is \(name)")
    }
  }

  /// The archive's own checksums notice a flipped byte in the program.
  @Test func aFlippedByteIsRefused() throws {
    var bytes = try Data(contentsOf: try Golden.file("teacher", "pt"))
    let program = try #require(bytes.range(of: Data("def forward".utf8)))
    bytes[program.lowerBound] ^= 1
    try withTestFolder { folder in
      let file = folder.appending(path: "flipped.pt")
      try bytes.write(to: file)
      #expect(refusal(file).hasPrefix("cannot be loaded: "), "\(refusal(file))")
    }
  }

  @Test(
    needsPyTorch,
    arguments: [
      ("weights.pt", "holds saved objects such as a state_dict"), ("program.pt2", "holds no compiled model"),
      ("empty-archive.pt2", "holds no compiled model"),
    ]) func otherFilesOfPyTorchAreRefused(name: String, reason: String) throws
  {
    let problem = refusal(try ExportedFiles.file(name))
    #expect(problem.hasPrefix(reason), "\(problem)")
  }
}
