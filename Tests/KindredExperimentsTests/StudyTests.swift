/// Studies: rows over a base, sweeps and seeds, and what is refused in them.

import Foundation
import Kindred
import KindredExperiments
import TestSupport
import Testing

@Suite struct StudyTests {
  /// A base in place, and rows beside it.
  private func folder(_ rows: String, base: String = "base.yaml", more: String = "") throws -> TestFolder {
    try TestFolder([
      "base.yaml": distilling + "name: base\n", "study.yaml": "base: \(base)\n\(more)rows:\n\(rows)\n",
    ])
  }

  private func rows(_ folder: TestFolder, seeds: Int? = nil, _ overrides: String...) throws -> [Study.Row] {
    try Study.load(file: folder.url.appending(path: "study.yaml"), overrides: Overrides(overrides), seeds: seeds).rows
  }

  private func mistake(_ folder: TestFolder, _ overrides: String...) -> String? {
    folder.mistake { try Study.load(file: folder.url.appending(path: "study.yaml"), overrides: Overrides(overrides)) }
  }

  @Test func rowsStandOverTheBase() throws {
    let folder = try folder(
      """
        plain: {teacher: null, seeds: 1}
        kd: {losses: {kd: {temperature: 2}}}
        sp: {losses: {sp: {weight: 3000}}, published: 73.83}
      """, more: "seeds: 5\n")
    let rows = try rows(folder)
    #expect(rows.map(\.settings.name) == ["plain", "kd", "sp"])
    #expect(rows.map(\.seeds) == [1, 5, 5] && rows.map(\.published) == [nil, nil, 73.83])
    // Each is the configuration that a file would be.
    try folder.write("extends: base.yaml\nlosses: {sp: {weight: 3000}}\n", to: "sp.yaml")
    #expect(rows[2].settings == (try folder.load("sp.yaml")))
    #expect(rows[0].settings.teacher == nil)
    // The command line's seeds are for rows that have none of their own, its settings for all.
    let other = try self.rows(folder, seeds: 2, "training.epochs=7")
    #expect(other.map(\.seeds) == [1, 2, 2] && other.allSatisfy { $0.settings.training.epochs == 7 })
  }

  /// A run for each split, and a teacher that never saw that split's test images.
  @Test func aRowCanRepeatOverSplits() throws {
    let teacher = "data: {set: dtd}\nstudent: {network: mobilenet_v2-1.0}\n"
    let folder = try TestFolder([
      "large.yaml": teacher,
      "study.yaml": """
      base: {data: {set: dtd}, student: {network: mobilenet_v2-0.35}, teacher: {config: large.yaml}}
      splits: 3
      rows:
        plain: {teacher: null}
        sp: {losses: {sp: {weight: 3000}}}
      """,
    ])
    let rows = try rows(folder)
    #expect(rows.map(\.splits) == [3, 3] && rows.map(\.seedCount) == [1, 1])
    let comparison = try Comparison(rows, runs: folder.url, library: ImageLibrary())
    let names = comparison.jobs.map { "\($0.settings.name)/\($0.folder.url.lastPathComponent)" }
    #expect(
      names
        == ["large", "plain", "sp"].flatMap { name in (1...3).map { "\(name)/split-\($0)-seed-1" } })
    #expect(comparison.jobs.map(\.settings.data.split) == [1, 2, 3, 1, 2, 3, 1, 2, 3])
    try folder.write("extends: study.yaml\nsplits: 11\n", to: "many.yaml")
    let problem = folder.mistake { try Study.load(file: folder.url.appending(path: "many.yaml")) }
    #expect(problem == "study.yaml:4: rows.plain.splits: dtd has 10, not 11")
  }

  /// Self-distillation over generations: each student teaches the next.
  private func generations(_ rows: String) throws -> TestFolder {
    let data = "data: {set: textures}\nstudent: {network: resnet-8}\n"
    return try TestFolder([
      "first.yaml": data, "second.yaml": data + "teacher: {config: first.yaml}\nlosses: {kd: {}}\n",
      "study.yaml": "base: {data: {set: textures}, student: {network: resnet-8}}\nseeds: 1\nrows: \(rows)\n",
    ])
  }

  @Test func teachersOfTeachersAreTrainedFirst() throws {
    let folder = try generations("{third: {teacher: {config: second.yaml}, losses: {kd: {}}}}")
    let comparison = try Comparison(try rows(folder), runs: folder.url, library: ImageLibrary())
    #expect(comparison.jobs.map(\.settings.name) == ["first", "second", "third"])
    #expect(comparison.jobs.map(\.isTeacher) == [true, true, false])
  }

  /// Each is a configuration in memory, and a page of text can ask for any number.
  @Test func thereIsAnEndToTheRows() throws {
    let numbers = (1...26).map { "\($0)" }.joined(separator: ", ")
    let sweep = "{teacher: null, training: {batch_size: {sweep: [\(numbers)]}, seed: {sweep: [\(numbers)]}}}"
    let problem = mistake(try folder("  one: \(sweep)\n  other: \(sweep)"))
    #expect(problem == "study.yaml:4: rows.other: more than 1000 rows so far; make two studies of them")
  }

  @Test func sweepsMakeTheirProduct() throws {
    let folder = try folder(
      """
        sp: {losses: {sp: {weight: {sweep: [30, auto]}}}, training: {batch_size: {sweep: [32, 64]}}, published: 70}
        teachers: {losses: {kd: {}}, teacher: {weights: {sweep: [a/one.safetensors, two]}}}
      """)
    let rows = try rows(folder)
    #expect(
      rows.map(\.settings.name) == [
        "sp=30,32", "sp=30,64", "sp=auto,32", "sp=auto,64", "teachers=one.safetensors", "teachers=two",
      ])
    #expect(rows[1].settings.losses["sp"]?.weight == .fixed(30) && rows[1].settings.training.batchSize == 64)
    #expect(rows[2].settings.losses["sp"]?.value == nil && rows[2].settings.training.batchSize == 32)
    #expect(rows.map(\.published) == [70, 70, 70, 70, nil, nil])
    #expect(rows.map(\.key) == ["sp", "sp", "sp", "sp", "teachers", "teachers"])
    #expect(rows[2].sweep.map(\.key) == ["losses.sp.weight", "training.batch_size"])
    #expect(rows[2].sweep.map(\.text) == ["auto", "32"])
    let file = folder.url.appending(path: "a/one.safetensors").standardizedFileURL
    #expect(rows[4].settings.teacher?.source == .weights(rows[4].settings.teacher!.network!, .init(file)))
  }

  @Test func aSweptSectionStandsOverTheBase() throws {
    let folder = try folder("  at: {losses: {at: {weight: 1}}, training: {optimizer: {sweep: [{momentum: 0.5}, {}]}}}")
    try folder.write(distilling + "training: {optimizer: {learning_rate: 0.3}}\n", to: "base.yaml")
    let rows = try rows(folder)
    #expect(rows.map(\.settings.training.optimizer.learningRate) == [0.3, 0.3])
    #expect(rows[0].settings.name == "at=momentum-0.5")
  }

  @Test func aBaseInPlaceAndAStudyThatExtends() throws {
    let folder = try TestFolder([
      "shared/recipe.yaml": smallest + "training: {epochs: 9}\n",
      "shared/methods.yaml": """
      base: {extends: recipe.yaml}
      rows:
        plain: {teacher: null}
        kd: {losses: {kd: {}}}
        sp: {losses: {sp: {weight: 1}}}
      """,
      "study.yaml": """
      extends: shared/methods.yaml
      base: {teacher: {network: wrn-16-2, weights: t.safetensors}}
      rows: {kd: null, sp: {published: 50}}
      """,
    ])
    let rows = try rows(folder)
    #expect(rows.map(\.settings.name) == ["plain", "sp"] && rows[1].published == 50)
    #expect(rows.allSatisfy { $0.settings.training.epochs == 9 })
    #expect(try Study.isStudy(folder.url.appending(path: "study.yaml")))
    #expect(try !Study.isStudy(folder.url.appending(path: "shared/recipe.yaml")))
  }

  /// As of every teacher: it may serve other runs too.
  @Test func overridesDoNotReachARowThatTeaches() throws {
    let folder = try TestFolder([
      "big.yaml": smallest,
      "study.yaml": """
      base: {extends: big.yaml, teacher: {config: big.yaml}}
      rows: {kd: {losses: {kd: {}}}, big: {teacher: null}, plain: {teacher: null}}
      """,
    ])
    let rows = try rows(folder, "training.epochs=3")
    #expect(rows.map(\.settings.training.epochs) == [3, 200, 3])
    let both = try Study.load(
      file: folder.url.appending(path: "study.yaml"),
      overrides: Overrides(["training.epochs=3"], teachers: ["training.epochs=2"]))
    #expect(both.rows.map(\.settings.training.epochs) == [3, 2, 3])
  }

  /// A path for teachers starts at the teacher's file, also where the teacher is a row.
  @Test func aPathForTeachersIsTheSameInARow() throws {
    let folder = try TestFolder([
      "networks/big.yaml": smallest,
      "study.yaml": """
      base: {extends: networks/big.yaml, teacher: {config: networks/big.yaml}}
      rows: {kd: {losses: {kd: {}}}, big: {teacher: null}}
      """,
    ])
    let overrides = Overrides([], teachers: ["student.weights=start.safetensors"])
    let rows = try Study.load(file: folder.url.appending(path: "study.yaml"), overrides: overrides).rows
    #expect(rows[0].settings.student.weights == nil)
    let start = try #require(rows[1].settings.student.weights)
    #expect(start.url.path == folder.url.appending(path: "networks/start.safetensors").path)
  }

  /// A trial of a minute needs short teachers as well, all of them.
  @Test func settingsCanReachTeachersAlone() throws {
    let folder = try generations(
      "{plain: {}, third: {teacher: {config: second.yaml, set: [training.batch_size=16]}, losses: {kd: {}}}}")
    let file = folder.url.appending(path: "study.yaml")
    let rows = try Study.load(file: file, overrides: Overrides([], teachers: ["training.epochs=1"])).rows
    let jobs = try Comparison(rows, runs: folder.url, library: ImageLibrary()).jobs
    #expect(jobs.map(\.settings.name) == ["first", "second", "plain", "third"])
    #expect(jobs.map(\.settings.training.epochs) == [1, 1, 200, 200])
    #expect(jobs.map(\.settings.training.batchSize) == [16, 16, 128, 128])
    // A run's own file finds the same teachers again.
    let third = try #require(rows.last?.settings)
    try folder.write(third.yaml(in: folder.url), to: "third.yaml")
    #expect(try folder.load("third.yaml").teacher == third.teacher)
  }

  @Test func settingsForTeachersNeedOne() throws {
    let folder = try folder("  plain: {teacher: null}")
    let file = folder.url.appending(path: "study.yaml")
    let overrides = Overrides([], teachers: ["training.epochs=1"])
    let mistake = folder.mistake { try Study.load(file: file, overrides: overrides) }
    #expect(
      mistake == "--teacher-set training.epochs=1: no configuration makes a teacher here (teacher.config); take it out")
    let useless = folder.mistake { try folder.load("base.yaml", "teacher.set=[training.epochs=1]") }
    #expect(useless?.contains("teacher.set: only a teacher that its config makes has settings to change") == true)
  }

  @Test func aConfigurationIsAStudyOfOneRow() throws {
    let folder = try TestFolder(["study.yaml": smallest])
    #expect(try rows(folder) == [Study.Row(try folder.load("study.yaml"))])
  }

  /// Rows, and the message without the folder's name.
  @Test(arguments: [
    ("  sp: {loses: {}}", "study.yaml:3: rows.sp.loses: unknown key; did you mean 'losses'?"),
    (
      "  sp: {losses: {sp: {wieght: 1}}}", "study.yaml:3: rows.sp.losses.sp.wieght: unknown key; did you mean 'weight'?"
    ),
    ("  sp: {publishd: 1, losses: {kd: {}}}", "study.yaml:3: rows.sp.publishd: unknown key; "),
    ("  sp: {published: 7383}", "study.yaml:3: rows.sp.published: expected an accuracy in percent, found 7383.0"),
    ("  sp: {seeds: 0}", "study.yaml:3: rows.sp.seeds: expected a whole number from 1 to 1000, found '0'"),
    ("  sp: {name: other}", "study.yaml:3: rows.sp.name: a row is called by its key; take it out"),
    ("  sp:", "study.yaml:3: rows.sp: expected a section of keys; write {} for its defaults, or take the key out"),
    (
      "  a/b: {losses: {kd: {}}}",
      "study.yaml:3: rows.a/b.name: 'a/b' cannot name a run; use letters, digits and dashes"
    ),
    ("  sp: {}", "base.yaml:3: teacher: row 'sp': no loss asks anything of it;"),
    (
      "  sp: {losses: {sp: {weight: {sweep: 3}}}}",
      "study.yaml:3: rows.sp.losses.sp.weight.sweep: expected a list of values, such as [30, 100, auto]"
    ),
    (
      "  sp: {losses: {sp: {weight: {sweep: [3, 3]}}}}",
      "study.yaml:3: rows.sp: two rows are called 'sp=3'; give one of them another name"
    ),
    ("  sp: {losses: {kd: {}}}\n  sp: {}", "study.yaml:3: 'sp': the key is given twice; keep one"),
    ("  {}", "study.yaml:2: rows: there are none; name at least one"),
  ])
  func aMistakeIsOneLine(rows: String, message: String) throws {
    let found = mistake(try folder(rows)) ?? "nothing"
    #expect(found.hasPrefix(message), "\(found)")
  }

  @Test func theStudysOwnKeys() throws {
    let row = "  kd: {losses: {kd: {}}}"
    #expect(mistake(try folder(row, base: "bse.yaml")) == "study.yaml:1: base: there is no file bse.yaml")
    #expect(mistake(try folder(row, more: "sedes: 3\n")) == "study.yaml:2: sedes: unknown key; did you mean 'seeds'?")
    #expect(
      mistake(try folder(row, base: "study.yaml")) == "study.yaml: the file leads back to itself; break the circle")
    let loose = try TestFolder(["study.yaml": "rows:\n\(row)\n"])
    let missing = "study.yaml:1: base: missing; name a configuration's file, or write the settings in place"
    #expect(mistake(loose) == missing)
    #expect(mistake(try folder(row), "training.epocs=3")?.contains("did you mean 'epochs'?") == true)
  }

  @Test func aStudyIsNoConfiguration() throws {
    let folder = try folder("  kd: {losses: {kd: {}}}")
    let message = try #require(folder.mistake("study.yaml"))
    #expect(
      message.hasPrefix("study.yaml:2: rows: this is a study of several runs; use kindred compare "), "\(message)")
  }
}
