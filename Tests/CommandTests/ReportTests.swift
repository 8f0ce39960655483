// `kindred report` of real runs: what it says is what the runs came to, and a browser takes the page as it is meant.

import Foundation
import KindredVision
import TestSupport
import Testing

@Suite struct ReportTests {
  private let scratch: TestFolder

  /// Folders of images may be called anything that a file may be.
  private static let classNames = ["\"onfocus=\"document.title='x'", "<b onclick=alert(1)>", "'plain' & simple"]

  init() throws {
    scratch = try TestFolder()
    try scratch.drawPhotographs(300) { label, _ in label < 3 ? Self.classNames[label] : nil }
    try scratch.write([
      "plain.yaml": """
      data: {set: folder, train: photos, held_out: 0.4, size: 32}
      student: {network: resnet-8}
      training: {epochs: 2, batch_size: 16, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """,
      "teacher.yaml": "extends: plain.yaml\ntraining: {epochs: 1}\n",
      "student.yaml": "extends: plain.yaml\nteacher: {config: teacher.yaml}\nlosses: {kd: {}}\ntraining: {epochs: 1}\n",
      "study.yaml": """
      base: {extends: plain.yaml, teacher: {config: teacher.yaml}}
      seeds: 2
      rows:
        plain: {teacher: null}
        kd: {losses: {kd: {alpha: 0.5}, hint: {weight: 0}}}
      """,
    ])
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let finished = try Command.start(arguments, in: scratch.url, reporting: true).wait()
    #expect(finished.status == 0, "\(finished.errors)")
    return finished
  }

  private func json(_ file: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: try scratch.bytes(file)) as? [String: Any])
  }

  @Test func aStudyIsOnePage() throws {
    let compared = try run("compare", "study.yaml")
    #expect(compared.errors.contains("report: runs/report.html"))
    let page = try scratch.text("runs/report.html")
    #expect(page.utf8.count < 2_000_000 && !page.contains("Still going on"))

    // What was measured of the networks agrees with the evaluation of their runs.
    var accuracies: [String: [Double]] = [:]
    for run in ["plain/seed-1", "plain/seed-2", "kd/seed-1", "kd/seed-2", "teacher/seed-1"] {
      let (result, measured) = (try json("runs/\(run)/result.json"), try json("runs/\(run)/measured.json"))
      let accuracy = try #require(result["accuracyPercent"] as? Double)
      let labels = try #require(measured["labels"] as? [Int])
      let student = try #require(measured["student"] as? [String: Any])
      let predictions = try #require(student["predictions"] as? [Int])
      let right = zip(labels, predictions).count { $0 == $1 }
      #expect(
        labels.count == result["images"] as? Int && abs(100 * Double(right) / Double(labels.count) - accuracy) < 1e-4)
      #expect((student["latency"] as? [[String: Any]])?.compactMap { $0["threads"] as? Int } == [1, 2])
      accuracies[String(run.prefix { $0 != "/" }), default: []].append(accuracy)
    }
    let (plain, kd) = (try #require(accuracies["plain"]), try #require(accuracies["kd"]))
    let gain = String(format: "%+.2f", (kd[0] + kd[1] - plain[0] - plain[1]) / 2)
    #expect(page.contains("<th scope=\"row\">kd</th><td class=\"number\">2</td>") && page.contains(">\(gain)<"))
    #expect(page.contains("losses.hint.weight: 0 switches the term off"))
    #expect(page.contains("kindred compare study.yaml --out runs"))

    // A second report asks no network again, and says the same wherever it finds the runs.
    let before = try scratch.bytes("runs/kd/seed-1/measured.json")
    let alone = try run("report", "runs", "--output", "again.html")
    #expect(alone.errors == "wrote again.html\n")
    #expect(try scratch.bytes("runs/kd/seed-1/measured.json") == before)
    let again = try scratch.text("again.html")
    let matrices = [page, again].map { $0.components(separatedBy: "data-values=").dropFirst().map { $0.prefix(200) } }
    #expect(matrices[0] == matrices[1] && matrices[0].count == 6)
    if Browser.obstacle == nil { try checkInBrowser(page) }
  }

  /// In three widths at once: keys and pointer are tried in each, and no name has become anything else.
  private func checkInBrowser(_ page: String) throws {
    let probe = """
      <script>
      const field = document.querySelector('.matrix .field'), figure = field.closest('figure');
      field.focus();
      for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'End'])
        field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      const keys = figure.querySelector('.readout p').textContent;
      const box = field.querySelector('img').getBoundingClientRect();
      field.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 1, clientY: box.top + 1, bubbles: true }));
      parent.postMessage({
        width: innerWidth, overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth), keys,
        pointer: figure.querySelector('.readout p').textContent, thumbnails: !figure.querySelector('canvas').hidden,
        handlers: document.querySelectorAll('[onclick],[onfocus],[onerror]').length, scripts: document.scripts.length,
        bold: document.querySelectorAll('b').length, title: document.title,
        sections: [...document.querySelectorAll('section')].map(one => one.id).join(' '),
        unnamed: [...document.querySelectorAll('svg')].filter(one => !one.querySelector('title').textContent).length,
        age: document.getElementById('age').textContent,
      }, '*');
      </script></body>
      """
    try scratch.write(page.replacing("</body>", with: probe), to: "probed.html")
    let frames = [360, 800, 1400].map {
      "<iframe src=\"probed.html\" style=\"width:\($0)px;height:5000px;border:0;margin-right:8px\"></iframe>"
    }
    let frame = try scratch.write(
      """
      <!DOCTYPE html><link rel="icon" href="data:,"><body style="margin:0;white-space:nowrap">\(frames.joined())
      <script type="application/json" id="said"></script><script>
      const said = [];
      addEventListener('message', event => {
        said.push(event.data);
        document.getElementById('said').textContent = JSON.stringify(said);
      });
      </script></body>
      """, to: "frame.html")
    let (document, console) = try Browser.open(frame, in: scratch)
    #expect(console.isEmpty, "\(console)")
    let text = document.components(separatedBy: "id=\"said\">").last?.components(separatedBy: "</script>").first ?? ""
    let said = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
    #expect(Set(said.compactMap { $0["width"] as? Int }) == [360, 800, 1400])
    for one in said {
      #expect(one["overflow"] as? Int == 0, "\(one["width"] ?? "") is not enough")
      #expect(one["handlers"] as? Int == 0 && one["bold"] as? Int == 0 && one["scripts"] as? Int == 2)
      #expect(one["title"] as? String == "study" && one["unnamed"] as? Int == 0)
      #expect(
        one["sections"] as? String
          == "results training similarity classes confusions calibration cka channels cost runs remarks")
      // The second row and the last column; then the first of both.
      let keys = (one["keys"] as? String ?? "").split(separator: "\n")
      #expect(keys.count == 2 && keys.first.flatMap { Double($0) } != nil, "\(keys)")
      #expect(
        keys.last?.contains(" · ") == true && Self.classNames.contains { keys.last?.contains($0) ?? false }, "\(keys)")
      #expect(one["pointer"] as? String != one["keys"] as? String && one["thumbnails"] as? Bool == true)
      #expect((one["age"] as? String)?.hasSuffix(" ago") == true)
    }
    let photograph = scratch.url.appending(path: "page.png")
    try Browser.photograph(frame, width: 2600, height: 5000, to: photograph, in: scratch)
    let seen = try Data(contentsOf: photograph).withUnsafeBytes { try ImageDecoder.decode($0, channels: 3) }
    #expect(seen.width == 2600 && seen.height == 5000)
    // In each width something was drawn, and not on a dark page.
    for columns in [0..<360, 400..<1100, 1200..<2500] {
      let dark = stride(from: 0, to: 5000, by: 3).reduce(0) { count, row in
        count + columns.count { seen.bytes[(row * 2600 + $0) * 3] < 100 }
      }
      #expect(dark > 2_000 && dark < columns.count * 5000 / 9, "\(columns): \(dark)")
    }
    if let folder = ProcessInfo.processInfo.environment["KINDRED_PHOTOGRAPHS"] {
      let kept = URL(filePath: folder).appending(path: "report.png")
      try? FileManager.default.removeItem(at: kept)
      try FileManager.default.copyItem(at: photograph, to: kept)
    }
  }

  @Test(.enabled(if: Browser.obstacle == nil, Comment(rawValue: Browser.obstacle ?? "")))
  func aBrowserIsThere() {}

  @Test func aReportChangesNoRun() throws {
    try run("train", "teacher.yaml", "--quiet")
    for (folder, option) in [("with", "--report"), ("without", "--no-report")] {
      try run("distill", "student.yaml", "--out", folder, "--quiet", option)
    }
    #expect(scratch.has("with/report.html") && scratch.has("with/measured.json"))
    #expect(!scratch.has("without/report.html") && !scratch.has("without/measured.json"))
    #expect(try scratch.bytes("with/weights.safetensors") == scratch.bytes("without/weights.safetensors"))
    // Other weights are measured anew.
    let before = try json("with/measured.json")
    try run("train", "plain.yaml", "--out", "other", "--seed", "5", "--quiet", "--no-report")
    try FileManager.default.copyItem(
      at: scratch.url.appending(path: "with/measured.json"), to: scratch.url.appending(path: "other/measured.json"))
    try run("report", "other", "--output", "other.html", "--quiet")
    let (old, new) = (before["student"] as? [String: Any], try json("other/measured.json")["student"] as? [String: Any])
    #expect(old?["digest"] as? String != new?["digest"] as? String)

    // A page that cannot be written is a warning, and no end of a run.
    let blocked = try run("train", "teacher.yaml", "--out", "blocked-run", "--quiet")
    #expect(blocked.errors.isEmpty)
    try FileManager.default.removeItem(at: scratch.url.appending(path: "blocked-run/report.html"))
    _ = try scratch.folder("blocked-run/report.html")
    let again = try run("train", "teacher.yaml", "--out", "blocked-run", "--quiet", "--resume", "--epochs", "1")
    #expect(again.errors == "warning: the report blocked-run/report.html was not written: Is a directory\n")
  }

  @Test func aRunIsReportedWhileItGoesOn() throws {
    let process = try Command.start(
      ["train", "plain.yaml", "--out", "long", "--epochs", "500", "--quiet"], in: scratch.url, reporting: true)
    while process.isRunning, !scratch.has("long/report.html") { usleep(1_000) }
    let early = try Command.run("evaluate", "long", in: scratch.url)
    #expect(early.errors == "Error: long is still running; kindred watch long shows how far it is\n")
    #expect(try run("watch", "long").output.contains("  running  "))
    process.send(SIGKILL)
    _ = process.wait()
    let page = try scratch.text("long/report.html")
    #expect(page.contains("Still going on.") && page.contains("0 of 1 runs finished") && page.contains("of 500"))
    #expect(page.contains("No run is finished yet.") && !scratch.has("long/measured.json"))
    let watched = try Command.start(["report", "long", "--output", "watched.html", "--watch"], in: scratch.url)
    while watched.isRunning, !scratch.has("watched.html") { usleep(1_000) }
    watched.send(SIGINT)
    #expect(watched.wait().status == 130)
    #expect(try scratch.text("watched.html").contains("loss term cross_entropy"))
  }

  @Test func whatCannotBeReportedIsSaidInALine() throws {
    func refusal(_ arguments: String...) throws -> String {
      let finished = try Command.start(["report"] + arguments, in: scratch.url).wait()
      #expect(finished.status == 1 && finished.errors.split(separator: "\n").count == 1, "\(finished.errors)")
      return finished.errors
    }
    #expect(try refusal("photos").contains("photos holds no run, and no folder below it does"))
    #expect(try refusal("nowhere").contains("nowhere"))
    #expect(try refusal("photos", "study.yaml").contains("name YAML files or folders, not both"))
    #expect(try refusal("study.yaml").contains("none of its runs is in runs yet"))
    // A teacher that is a recording cannot be asked; the rest of the page is there.
    try run("train", "teacher.yaml", "--quiet", "--no-report")
    try run("record", "student.yaml", "--out", "tape", "--quiet")
    try run("distill", "student.yaml", "--set", "teacher={recording: tape}", "--out", "heard", "--quiet")
    let page = try scratch.text("heard/report.html")
    #expect(page.contains("its teacher is a recording, which is no network to be asked about other images"))
    // A result of another version is named, in a study too, and no page is made of nothing.
    try run("train", "plain.yaml", "--quiet", "--no-report")
    let result = try scratch.text("runs/plain/seed-1/result.json")
    try scratch.write(
      result.replacing(/kindred.result\\?\/2/, with: "kindred.result/1"), to: "runs/plain/seed-1/result.json")
    #expect(try refusal("plain.yaml").contains("is of another version of Kindred (kindred.result/1)"))
    #expect(!scratch.has("report.html"))
    #expect(page.contains("Reliability"))
  }
}
