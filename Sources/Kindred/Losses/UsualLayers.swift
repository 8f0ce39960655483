// What a method compares where no layers are named: words that hold for networks of any number of stages.

/// The layers that a method compares unless others are named. Their raw values are for people.
///
/// Stages are a network's taps `stage1`, `stage2` and so on. Of two networks the last stages belong together, then those
/// before them, as many as the network with fewer has.
public enum UsualLayers: String, Sendable {
  /// The last stages.
  case lastStage = "last stage"
  /// All stages.
  case allStages = "all stages"
  /// The stem, then all stages.
  case stemAndAllStages = "stem, all stages"
  /// Of all stages what the ReLU after each sees.
  case preActivations = "all stages before their ReLUs"

  /// The pairs for two networks.
  /// - Throws: `MethodError` for a network whose taps do not say which its stages are.
  public func pairs(student: NetworkDescription, teacher: NetworkDescription) throws -> [LayerPair] {
    let (own, other) = (try stages(of: student, beside: teacher), try stages(of: teacher, beside: student))
    let count = self == .lastStage ? 1 : min(own.count, other.count)
    let stages = zip(own.suffix(count), other.suffix(count))
    switch self {
    case .lastStage, .allStages: return stages.map { LayerPair(student: $0, teacher: $1) }
    case .stemAndAllStages: return [LayerPair("stem")] + stages.map { LayerPair(student: $0, teacher: $1) }
    case .preActivations: return stages.map { LayerPair(student: "\($0).pre", teacher: "\($1).pre") }
    }
  }

  private func stages(of network: NetworkDescription, beside other: NetworkDescription) throws -> [String] {
    let stages = network.stages
    let taps = network.taps.keys.sorted()
    let list = taps.isEmpty ? "it gives no activations" : "it has \(taps.joined(separator: ", "))"
    guard let last = stages.last else {
      let tap = taps.first ?? "logits"
      let pair = other.stages.last.map { "{student: \($0), teacher: \(tap)}" } ?? tap
      throw MethodError(
        "\(network.name) names no stages (stage1, stage2 and so on); say what is compared, such as layers: [\(pair)]; "
          + list, key: "layers")
    }
    guard self == .lastStage || last == "stage\(stages.count)" else {
      throw MethodError(
        "\(network.name) names some of its stages, but not all from stage1 to \(last); say what is compared, such as "
          + "layers: [\(last)]; \(list)", key: "layers")
    }
    return stages
  }
}

extension NetworkDescription {
  /// Its taps `stage1`, `stage2` and so on, from input to output.
  public var stages: [String] {
    let numbers = taps.keys.compactMap { tap in tap.wholeMatch(of: /stage([1-9][0-9]*)/).flatMap { Int($0.1) } }
    return numbers.sorted().map { "stage\($0)" }
  }
}

extension Method {
  /// The layers that it compares unless others are named, in words; nil for a method that compares none.
  public static var usualLayersText: String? {
    if let usualLayers { return usualLayers.rawValue }
    let names = Self().layers.map(\.student)
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }

  /// Whether it names no layers, and has the usual ones of the networks that it will compare.
  public var hasUsualLayers: Bool { Self.usualLayers != nil && layers.isEmpty }

  /// The same, with the usual layers of two networks by name where it names none.
  /// - Throws: `MethodError` for a network whose taps do not say which its stages are.
  public func resolved(student: NetworkDescription, teacher: NetworkDescription) throws -> Self {
    guard hasUsualLayers, let usual = Self.usualLayers else { return self }
    return comparing(try usual.pairs(student: student, teacher: teacher))
  }

  /// The same with other layers, where layers are a setting of it.
  public func comparing(_ layers: [LayerPair]) -> Self {
    var method = self
    Self.settings.first { $0.key == "layers" }?.set(&method, .layers(layers))
    return method
  }
}

extension LossSetup {
  /// A method with the layers by name that it compares in these networks.
  func resolved<M: Method>(_ method: M) throws -> M { try method.resolved(student: student, teacher: teacher) }
}
