// The page of data sets.

import KindredVision

extension Reference {
  static func data() -> String {
    var page = MarkdownPage(
      "Data sets",
      "`data.set` names one of these, or `folder` for images of one's own. Mean and deviation are those of each channel of "
        + "pixels divided by 255, by which images are normalised. `kindred data get NAME` fetches a set; [settings](settings.md) "
        + "has what can be changed.")
    page.table(
      [
        "Set", "Training images", "Test images", "Classes", "Shape", "Mean", "Deviation", "Usual augmentation", "About",
      ],
      DataSets.all.map { set in
        [
          set.name.code, set.imageCount(.train).grouped, set.imageCount(.test).grouped, set.classNames.count.grouped,
          set.inputShape.map { "\($0)" }.joined(separator: " x "), numbers(set.statistics.mean),
          numbers(set.statistics.deviation), text(set.augmentation), set.about,
        ]
      })
    page.heading("What a set leaves open")
    page.table(
      ["Set", "Key", "What it is"],
      DataSets.all.flatMap { set in
        set.choices.map { [set.name.code, "data.\($0.key)".code, $0.help] }
          + (set.splits.map { [[set.name.code, "`data.split`", "which of its \($0.count) divisions, from 1"]] } ?? [])
      })
    page.heading("Images of one's own")
    page.paragraphs(
      "`set: folder` sees images of \(Configuration.Images.usualSize) x \(Configuration.Images.usualSize) unless `size` says "
        + "another, with the mean and deviation of \(ImageStatistics.sampleCount.grouped) of them, and "
        + "\(text(Configuration.Images.ownAugmentation)). What `textures` draws it draws anew on each machine: as many training and test "
        + "images as are asked for.")
    return page.text
  }

  private static func numbers(_ numbers: [Float]) -> String {
    numbers.map { "\($0)" }.joined(separator: ", ")
  }

  private static func text(_ augmentation: Augmentation) -> String {
    var parts: [String] = []
    if augmentation.cropPadding > 0 { parts.append("`crop_padding: \(augmentation.cropPadding)`") }
    if let share = augmentation.randomResizedCrop { parts.append("`random_resized_crop: \(share)`") }
    if augmentation.flip { parts.append("`flip: true`") }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }
}
