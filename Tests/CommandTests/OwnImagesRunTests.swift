// From a folder of images to a trained and exported student, through the built command; a student that sees less than its
// teacher, images without a class, and files that are broken.

import Foundation
import Graph
import TestSupport
import Testing

@Suite struct OwnImagesRunTests {
  private let scratch: TestFolder

  init() throws {
    scratch = try TestFolder()
    try scratch.drawPhotographs(160)
    try scratch.write([
      "teacher.yaml": """
      data: {set: folder, train: photos, held_out: 0.25, size: 32}
      student: {network: resnet-8}
      training: {epochs: 1, batch_size: 16, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """,
      "student.yaml": """
      extends: teacher.yaml
      data: {student_view: {size: 16, grey: true}}
      teacher: {config: teacher.yaml}
      losses: {sp: {weight: 10}}
      training: {epochs: 2}
      """,
      "unlabelled.yaml": """
      extends: teacher.yaml
      data: {set: textures, train: null, held_out: null, size: null, train_images: 48, test_images: 40,
        unlabelled: {images: 200, share: 0.75}}
      teacher: {network: resnet-8, weights: teacher}
      losses: {sp: {weight: 10}, kd: {}}
      """,
    ])
  }

  private func start(_ arguments: String...) throws -> Child.Finished {
    try Command.start(arguments, in: scratch.url).wait()
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> Child.Finished {
    let finished = try Command.start(arguments, in: scratch.url).wait()
    #expect(finished.status == 0, "\(finished.errors)")
    return finished
  }

  private func refusal(_ arguments: String...) throws -> String {
    let finished = try Command.start(arguments, in: scratch.url).wait()
    #expect(finished.status != 0 && finished.errors.split(separator: "\n").count == 1, "\(finished.errors)")
    return finished.errors
  }

  @Test func aFolderTrainsDistilsAndLeaves() throws {
    let checked = try run("data", "check", "photos")
    #expect(checked.output.contains("images     160, 0 of them broken"))
    let trained = try run("train", "teacher.yaml")
    #expect(trained.output.contains(" photos test images"), "\(trained.output)")
    let inspected = try run("inspect", "student.yaml")
    #expect(inspected.output.contains("1 x 16 x 16") && inspected.output.contains("3 x 32 x 32"))

    // A student that sees less: stopped and taken up it is the same run.
    try run("distill", "student.yaml", "--out", "whole", "--quiet")
    let interrupted = try Command.start(["distill", "student.yaml", "--out", "stopped"], in: scratch.url)
    while interrupted.isRunning, !scratch.has("stopped/config.yaml") { usleep(1_000) }
    interrupted.send(SIGINT)
    _ = interrupted.wait()
    try run("distill", "student.yaml", "--out", "stopped", "--resume", "--quiet")
    #expect(try scratch.bytes("stopped/weights.safetensors") == scratch.bytes("whole/weights.safetensors"))
    let evaluated = try run("evaluate", "whole")
    // Both are shown the same photographs, each in the size that it was trained for.
    try run("figure", "similarity", "runs/teacher/seed-1", "whole", "--output", "similarity.svg")
    try run("figure", "channels", "runs/teacher/seed-1", "whole", "--output", "channels.svg")

    // No teacher has seen what its student is measured on.
    #expect(
      try refusal("distill", "student.yaml", "--out", "x", "--set", "data.held_out=0.5").contains(
        "data.held_out: the teacher's configuration holds other images out"))
    #expect(
      try refusal("distill", "student.yaml", "--out", "x", "--set", "data.split=2").contains(
        "kindred train teacher.yaml --out runs/teacher/split-2-seed-1 --set data.split=2"))
    #expect(
      try refusal(
        "distill", "student.yaml", "--out", "x", "--set", "data.split=2", "--set",
        "teacher={network: resnet-8, weights: runs/teacher/seed-1}"
      ).contains("runs/teacher/seed-1 was trained on images that the student is measured on"))

    // In fewer bits it is measured on what the student sees.
    try run("export", "whole", "--output", "half.onnx", "--precision", "float16")
    // The network is of use where the images are not.
    try run("export", "whole", "--output", "float32.onnx", "--input", "bytes")
    let away = scratch.url.appending(path: "elsewhere")
    try FileManager.default.moveItem(at: scratch.url.appending(path: "photos"), to: away)
    try run("export", "whole", "--output", "again.onnx", "--input", "bytes")
    #expect(try scratch.bytes("again.onnx") == scratch.bytes("float32.onnx"))
    #expect(try refusal("evaluate", "whole").contains("there is no folder, list or archive of images"))
    try FileManager.default.moveItem(at: away, to: scratch.url.appending(path: "photos"))
    #expect(try run("evaluate", "whole").output == evaluated.output)
  }

  @Test func imagesWithoutAClassAreLearntFromToo() throws {
    try run("train", "teacher.yaml", "--out", "teacher", "--quiet")
    try run("distill", "unlabelled.yaml", "--out", "whole", "--quiet")
    try run("record", "unlabelled.yaml", "--out", "tape", "--quiet")
    try scratch.write(
      "extends: unlabelled.yaml\nteacher: {network: null, weights: null, recording: tape}\n", to: "replay.yaml")
    try run("distill", "replay.yaml", "--out", "replay", "--quiet")
    #expect(try scratch.bytes("replay/weights.safetensors") == scratch.bytes("whole/weights.safetensors"))
    #expect(
      try refusal("distill", "replay.yaml", "--out", "x", "--set", "data.unlabelled.share=0.5").contains(
        "was recorded for images without a class 12 of each batch, of 200, this run has 8 of each batch, of 200"))
    #expect(
      try refusal("distill", "unlabelled.yaml", "--set", "losses.crd={}").contains(
        "losses.crd: needs the class of every image, and data.unlabelled has none"))
    #expect(try refusal("inspect", "unlabelled.yaml", "--set", "data.unlabelled.share=0").contains("is none of it"))
    #expect(
      try refusal("inspect", "unlabelled.yaml", "--set", "data.unlabelled.images=6000").contains(
        "6000 is more than the 4952 training images that are left"))
    #expect(
      try refusal("inspect", "unlabelled.yaml", "--set", "data.unlabelled={folder: nowhere}").contains(
        "data.unlabelled.folder: there is no folder, list or archive of images nowhere"))

    // Those of another folder, without which the run's network is of use too.
    try FileManager.default.copyItem(
      at: scratch.url.appending(path: "photos/dotted"), to: scratch.url.appending(path: "more"))
    try scratch.write(
      """
      extends: student.yaml
      data: {student_view: null, unlabelled: {folder: more, share: 0.25}}
      teacher: {config: null, network: resnet-8, weights: teacher}
      """, to: "more.yaml")
    #expect(
      try refusal("inspect", "more.yaml", "--set", "data.privileged=photos").contains(
        "data.unlabelled: the teacher sees other files"))
    try run("distill", "more.yaml", "--out", "more-run", "--quiet")
    try FileManager.default.removeItem(at: scratch.url.appending(path: "more"))
    try run("evaluate", "more-run")
  }

  /// A teacher is enough: a student without a classifier, and one whose classes are the teacher's.
  @Test func noImageNeedsAClass() throws {
    try run("train", "teacher.yaml", "--out", "teacher", "--quiet")
    for name in ["dotted", "rings"] {
      let place = scratch.url.appending(path: "photos/\(name)")
      guard FileManager.default.fileExists(atPath: place.path) else { continue }
      try FileManager.default.copyItem(at: place, to: scratch.url.appending(path: "plain"))
      break
    }
    try scratch.write([
      "alone.yaml": """
      data: {set: folder, train: plain, size: 32}
      student: {network: resnet-8}
      teacher: {network: resnet-8, weights: teacher}
      losses: {cross_entropy: 0, sp: {weight: 1000}}
      training: {epochs: 2, batch_size: 8, threads: 1}
      """,
      "labelled.yaml": """
      extends: alone.yaml
      data: {test: photos}
      losses: {sp: null, kd: {weight: 16}}
      """,
    ])
    let alone = try run("distill", "alone.yaml", "--out", "alone")
    #expect(alone.output.contains("alone: trained, with no class to measure by"))
    #expect(!(try scratch.text("alone/result.json").contains("accuracy")))
    #expect(!(try scratch.text("alone/metrics.jsonl").contains("ccuracy")))
    #expect(try refusal("evaluate", "alone").contains("images without a class"))
    let exported = try run("export", "alone", "--output", "alone.onnx", "--input", "bytes")
    #expect(exported.status == 0)
    let embeds = try ONNXFile(scratch.url.appending(path: "alone.onnx"), inputShape: [3, 32, 32])
    #expect(embeds.graph.outputName == "pooled" && embeds.graph.logits.flatMap { embeds.graph.shapes[$0] } == [64])
    let table = try run("compare", "alone.yaml", "--seeds", "2", "--quiet").output
    #expect(table.contains("Trained, with no image that has a class to measure by: alone."), "\(table)")
    #expect(!table.contains("Accuracies") && !table.contains("more than one run"))
    #expect(
      try refusal("figure", "channels", "alone", "--output", "x.svg").contains("plain has no images with a class"))
    let measured = try run("distill", "labelled.yaml", "--out", "labelled")
    #expect(measured.output.contains("of 160 plain test images"))

    // Nothing that wants a class is tried.
    for (setting, problem) in [
      ("losses.cross_entropy=1", "by the teacher alone (losses.cross_entropy: 0)"),
      ("losses.crd={}", "losses.crd: needs the class of every image, and there are none"),
      ("losses.sp.weight=auto", "losses.sp.weight: auto measures it beside cross-entropy, and no image has a class"),
      ("losses.kd={weight: 1}", "data.classes: losses.kd compares classes, and nothing says which there are"),
      ("training.patience=3", "training.patience: no image has a class to measure by"),
      ("data.unlabelled={folder: photos}", "data.unlabelled: no image has a class here"),
    ] {
      #expect(try refusal("distill", "alone.yaml", "--set", setting).contains(problem), "\(setting)")
    }
  }

  /// A network that was trained on a set of the catalogue sees a folder's images as it saw those.
  @Test func aFolderIsMeasuredAsTheTrainingSetWas() throws {
    try scratch.write(
      """
      data: {set: textures, train_images: 64, test_images: 40}
      student: {network: resnet-8}
      training: {epochs: 1, batch_size: 16, threads: 1}
      """, to: "drawn.yaml")
    try run("train", "drawn.yaml", "--out", "drawn", "--quiet")
    let folder = try run("evaluate", "drawn", "--data", "photos")
    #expect(folder.output.contains("(160 photos test images)"))
    try run("export", "drawn", "--output", "drawn.onnx", "--input", "bytes")
    let exported = try run("evaluate", "drawn.onnx", "--data", "photos")
    #expect(exported.output == folder.output)
    try FileManager.default.moveItem(
      at: scratch.url.appending(path: "photos/dotted"), to: scratch.url.appending(path: "photos/spotted"))
    let refused = try refusal("evaluate", "drawn", "--data", "photos")
    #expect(refused.contains("has a class 'spotted', which is none of the 10"))
  }

  @Test func whatIsWrongIsALine() throws {
    try scratch.write("no image", to: "photos/dotted/broken.jpg")
    let refused = try refusal("train", "teacher.yaml", "--out", "x", "--quiet")
    #expect(refused.contains("photos/dotted/broken.jpg: is no JPEG, PNG or WebP image"), "\(refused)")
    let checked = try start("data", "check", "photos")
    #expect(checked.status == 1 && checked.output.contains("broken     dotted/broken.jpg: is no JPEG"))
    let skipped = try run("train", "teacher.yaml", "--out", "y", "--set", "data.broken=skip")
    #expect(skipped.errors.contains("photos: 1 of 161 images are broken and skipped, such as dotted/broken.jpg"))

    try FileManager.default.createDirectory(at: scratch.url.appending(path: "sets"), withIntermediateDirectories: true)
    for part in ["train", "test"] {
      try FileManager.default.createSymbolicLink(
        at: scratch.url.appending(path: "sets/\(part)"), withDestinationURL: scratch.url.appending(path: "photos"))
    }
    for (setting, line) in [
      ("data.held_out=0", "data.held_out: no image is left to measure on"),
      ("data.train=nowhere", "data.train: there is no folder, list or archive of images nowhere"),
      ("data.train=", "data.train: missing; name the folder of images"),
      ("data.folder=photos", "data.folder: holds sets of the catalogue"),
      ("data.crop_padding=40", "data.crop_padding: 40 could crop nothing but border"),
      ("data.student_view={grey: false}", "data.student_view: takes nothing away"),
      ("data.train=photos/lined", "data.train: lined has images without a class; put them into folders"),
      ("data.train=sets", "has the folders test and train, which are parts of a set and no classes"),
      ("data.set=textures", "data.train: is for images of one's own"),
      ("data.classes=[a, b]", "has a class 'banded', which is none of the 2 that are trained on"),
    ] {
      let refused = try refusal("inspect", "teacher.yaml", "--set", setting)
      #expect(refused.contains(line), "\(refused)")
    }
  }
}
