// A setting that has settings of its own: which ones depends on its form, such as an optimiser's name.

/// A form of a setting: its name, and what can be set then.
public struct SettingForm: Sendable {
  public let name: String
  /// What can be set, in the order of files.
  public let fields: [Field]

  /// A setting of a form, whatever it belongs to.
  public struct Field: Sendable {
    /// Its name.
    public let key: String
    /// What it may be.
    public let kind: SettingKind
    /// One line.
    public let help: String
  }
}

/// A form of a value, with the value that it starts from.
struct Form<Value: Sendable>: Sendable {
  let name: String
  let usual: Value
  let settings: [Setting<Value>]

  init(_ name: String, _ usual: Value, _ settings: [Setting<Value>]) {
    (self.name, self.usual, self.settings) = (name, usual, settings)
  }
}

extension Setting {
  /// A value of several forms. What is not set stays as it is, or as it is usual where the form changes.
  /// - Parameter name: the form that a value has.
  static func form<Value>(
    _ key: String, _ path: Path<Value>, _ forms: [Form<Value>], name: @escaping @Sendable (Value) -> String,
    _ help: String
  ) -> Setting {
    let fields = forms.map { form in
      SettingForm(name: form.name, fields: form.settings.map { .init(key: $0.key, kind: $0.kind, help: $0.help) })
    }
    return Setting(key: key, kind: .form(fields), help: help) { root in
      let value = root[keyPath: path]
      guard let form = forms.first(where: { $0.name == name(value) }) else { return nil }
      return .form(form.name, form.settings.reduce(into: [:]) { $0[$1.key] = $1.get(value) })
    } set: { root, new in
      guard case .form(let wanted, let values) = new, let form = forms.first(where: { $0.name == wanted }) else {
        return
      }
      if name(root[keyPath: path]) != wanted { root[keyPath: path] = form.usual }
      for setting in form.settings {
        if let value = values[setting.key] { setting.set(&root[keyPath: path], value) }
      }
    }
  }

  /// A value that may be left out, with settings of its own.
  /// - Parameter usual: what it starts from where it is given.
  package static func section<Value>(
    _ key: String, _ path: Path<Value?>, usual: Value, _ settings: [Setting<Value>], _ help: String
  ) -> Setting where Value: Sendable {
    let fields = settings.map { SettingForm.Field(key: $0.key, kind: $0.kind, help: $0.help) }
    return Setting(key: key, kind: .section(fields), help: help) { root in
      root[keyPath: path].map { value in .section(settings.reduce(into: [:]) { $0[$1.key] = $1.get(value) }) }
    } set: { root, new in
      guard case .section(let values) = new else { return }
      var value = root[keyPath: path] ?? usual
      for setting in settings { if let given = values[setting.key] { setting.set(&value, given) } }
      root[keyPath: path] = value
    }
  }

  /// The same setting of something that the value is part of.
  func of<Whole>(_ path: WritableKeyPath<Whole, Root> & Sendable) -> Setting<Whole> {
    Setting<Whole>(key: key, kind: kind, help: help) {
      get($0[keyPath: path])
    } set: {
      set(&$0[keyPath: path], $1)
    }
  }
}
