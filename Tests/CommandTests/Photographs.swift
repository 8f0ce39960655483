// Class folders of images, as a user has them.

import Foundation
import KindredReport
import KindredVision
import TestSupport

extension TestFolder {
  /// Draws images of 32 x 32 into a folder, as PNG.
  /// - Parameter subfolder: where in it an image of a class lies, usually in the class's own folder; nil for nowhere.
  func drawPhotographs(
    _ count: Int, into folder: String = "photos", subfolder: (_ label: Int, _ name: String) -> String? = { $1 }
  ) throws {
    let images = Textures.images(count: count, split: .train)
    for index in 0..<images.count {
      let label = Int(images.labels[index])
      guard let subfolder = subfolder(label, images.classNames[label]) else { continue }
      let file = try self.folder("\(folder)/\(subfolder)").appending(path: "\(index).png")
      try Picture(width: 32, height: 32, bytes: try images.image(at: index)).writePNG(to: file)
    }
  }
}
