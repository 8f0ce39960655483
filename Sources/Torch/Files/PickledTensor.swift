// How a pickle describes a tensor: a view of a storage.

import Files
import Foundation

/// A storage as a pickle names it: `('storage', class, key, location, elements)` as a persistent id.
struct PickledStorage: Sendable, Equatable {
  let key: String
  /// nil where its bytes are of no type of their own.
  let dtype: DType?
  /// The elements, or the bytes of a storage without a type.
  let count: Int

  /// The bytes of all elements; more than any file's where that is beyond counting.
  var byteCount: Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype?.byteCount ?? 1)
    return overflow ? .max : bytes
  }

  /// - Parameter id: what the persistent id is made of.
  init(_ id: Pickle.Value?) throws {
    guard let parts = id?.items, parts.count >= 5, parts[0].text == "storage",
      let name = parts[1].name, let key = parts[2].text ?? parts[2].integer.map(String.init),
      let count = parts[4].integer, count >= 0
    else { throw PyTorchProblem("a tensor without a storage") }
    if parts.count > 5, parts[5].kind != "None" { throw PyTorchProblem("a view of a storage, as PyTorch 0.4 wrote") }
    self.key = key
    self.count = count
    dtype = PickledStorage.types[name]
    guard dtype != nil || PickledStorage.untyped.contains(name) else {
      throw PyTorchProblem("a storage of the class \(Pickle.printable(name)), which is not read")
    }
  }

  private static let types: [String: DType] = [
    "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.ByteStorage": .uint8, "torch.CharStorage": .int8,
    "torch.ShortStorage": .int16, "torch.IntStorage": .int32, "torch.LongStorage": .int64, "torch.BoolStorage": .bool,
  ]
  private static let untyped: Set = ["torch.storage.UntypedStorage", "torch.UntypedStorage"]
}

/// A tensor as a pickle describes it, every number in it checked against the others.
struct PickledTensor: Sendable {
  let dtype: DType
  let shape: [Int]
  let storage: PickledStorage
  /// The steps in memory, in elements.
  private let strides: [Int]
  /// The first element's place.
  private let offset: Int
  /// How many elements it has.
  private let count: Int

  /// The bytes of its elements.
  var byteCount: Int { count * dtype.byteCount }

  /// Whether a value is what a tensor is pickled as.
  static func isTensor(_ value: Pickle.Value) -> Bool { value.object.map { makers.contains($0.constructor) } ?? false }

  /// - Throws: `PyTorchProblem` for what is no tensor, and one that reaches outside its storage.
  init(_ value: Pickle.Value) throws {
    guard let (constructor, arguments, _) = value.object else { throw PyTorchProblem("\(value.kind) is no tensor") }
    if constructor == PickledTensor.parameter {
      guard let data = arguments.first, data.object?.constructor != PickledTensor.parameter else {
        throw PyTorchProblem("a parameter without a tensor")
      }
      self = try PickledTensor(data)
      return
    }
    guard PickledTensor.makers.contains(constructor), arguments.count >= 4, let offset = arguments[1].integer,
      let shape = arguments[2].lengths, let strides = arguments[3].lengths, shape.count == strides.count
    else { throw PyTorchProblem("\(Pickle.printable(value.kind)) is no tensor that is read") }
    let storage = try PickledStorage(arguments[0].persistentID)
    let named = arguments.count > 6 ? arguments[6].name.flatMap { PickledTensor.types[$0] } : nil
    guard let dtype = storage.dtype ?? named else { throw PyTorchProblem("a tensor of a type that is not read") }
    (self.dtype, self.shape, self.strides, self.offset, self.storage) = (dtype, shape, strides, offset, storage)
    count = try PickledTensor.count(shape, strides, offset, of: storage.byteCount / dtype.byteCount)
  }

  /// How many elements a view has.
  /// - Throws: `PyTorchProblem` where it reaches beyond the elements that there are.
  private static func count(_ shape: [Int], _ strides: [Int], _ offset: Int, of elements: Int) throws -> Int {
    guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
      throw PyTorchProblem("the impossible shape \(shape) with strides \(strides) from \(offset)")
    }
    if shape.contains(0) {
      // Nobody is to multiply the lengths beside the 0 beyond all numbers.
      let isPossible = shape.reduce(1.0) { $0 * Double(max($1, 1)) } < 1e18
      guard isPossible else { throw PyTorchProblem("the impossible shape \(shape)") }
      return 0
    }
    var (last, count) = (offset, 1)
    for (length, stride) in zip(shape, strides) {
      let (step, tooFar) = (length - 1).multipliedReportingOverflow(by: stride)
      let (end, pastAll) = last.addingReportingOverflow(step)
      let (product, tooMany) = count.multipliedReportingOverflow(by: length)
      guard !tooFar, !pastAll, !tooMany else { throw PyTorchProblem("the impossible shape \(shape)") }
      (last, count) = (end, product)
    }
    // A view may repeat elements, as an expanded one does; what it becomes takes room for all of them.
    guard last < elements, count <= max(elements, 1 << 20) else {
      throw PyTorchProblem("shape \(shape) with strides \(strides) reaches beyond its storage of \(elements)")
    }
    return count
  }

  /// The tensor, from its storage's bytes.
  func made(from bytes: Data) throws -> Tensor {
    if count == 0 { return try withTorchErrors { Tensor.empty(shape, dtype: dtype) } }
    let size = dtype.byteCount
    return try bytes.withUnsafeBytes { buffer in
      if isContiguous {
        let part = UnsafeRawBufferPointer(rebasing: buffer[offset * size..<(offset + count) * size])
        return try withTorchErrors { Tensor(bytes: part, shape: shape, dtype: dtype) }
      }
      var ordered = [UInt8](repeating: 0, count: count * size)
      var place = 0
      forEachElement { element in
        for byte in 0..<size { ordered[place + byte] = buffer[element * size + byte] }
        place += size
      }
      return try ordered.withUnsafeBytes { part in
        try withTorchErrors { Tensor(bytes: part, shape: shape, dtype: dtype) }
      }
    }
  }

  private var isContiguous: Bool {
    var expected = 1
    for (length, stride) in zip(shape, strides).reversed() where length != 1 {
      if stride != expected { return false }
      expected *= length
    }
    return true
  }

  /// Calls `body` with each element's place in the storage, in the order of the shape.
  private func forEachElement(_ body: (Int) -> Void) {
    var index = [Int](repeating: 0, count: shape.count)
    var place = offset
    while true {
      body(place)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  private static let parameter = "torch._utils._rebuild_parameter"
  private static let makers: Set = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3", parameter,
  ]
  private static let types: [String: DType] = Dictionary(
    uniqueKeysWithValues: DType.allCases.map { ("torch.\($0)", $0) })
}

extension Pickle.Value {
  /// Whole numbers of a tuple, or of a `torch.Size`.
  fileprivate var lengths: [Int]? {
    if let (constructor, arguments, _) = object {
      return constructor == "torch.Size" ? arguments.first?.lengths : nil
    }
    guard let items else { return nil }
    let numbers = items.compactMap(\.integer)
    return numbers.count == items.count && numbers.count <= 64 ? numbers : nil
  }
}
