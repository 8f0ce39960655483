// Images that stay on a device, so that no pixel crosses to it during training.

import Kindred
import Torch

/// A set of images that lies on a device as bytes and is cropped, flipped and normalised there.
///
/// Gives the bytes of `ByteBatch` and the bits of `PixelTable`, by looking both up: nothing is computed but indices.
struct ResidentImages {
  private let height: Int
  private let width: Int
  /// Every pixel of the set, one after another, and a black one: (count x height x width + 1) x channels.
  private let pixels: Tensor
  /// The index of the black pixel.
  private let black: Tensor
  /// nil for a set without classes.
  private let labels: Tensor?
  private let renderer: ViewRenderer
  private let table: Tensor
  /// Where each channel's part of the table begins.
  private let channelStarts: Tensor
  /// 0 ... height - 1, as 1 x height x 1.
  private let rows: Tensor
  /// 0 ... width - 1, as 1 x 1 x width.
  private let columns: Tensor
  let device: Device

  /// Whether a set can lie on a device: its views are then whole images, moved and mirrored; nothing is scaled, recoloured or
  /// erased.
  static func canHold(_ images: ImageSet, _ augmentation: Augmentation) -> Bool {
    images.isPacked && augmentation.randomResizedCrop == nil && !augmentation.changesBytes
      && augmentation.randomErasing == 0
  }

  /// - Parameter images: a set that can lie on a device.
  init(_ images: ImageSet, _ augmentation: Augmentation = .none, device: Device) {
    (height, width) = (images.height, images.width)
    renderer = ViewRenderer(images, augmentation)
    let channels = images.channels
    let bytes = images.allPixels
    let shape = [bytes.count / channels, channels]
    pixels = .concatenated([
      Tensor(bytes, shape: shape).to(device: device), .zeros([1, channels], dtype: .uint8, device: device),
    ])
    black = Tensor.full([1], Double(shape[0]), dtype: .int64, device: device)
    labels =
      images.classNames.isEmpty
      ? nil : Tensor(images.labels.map(Int64.init), shape: [images.count]).to(device: device)
    table = Tensor(PixelTable(images).values, shape: [256 * channels]).to(device: device)
    channelStarts = Tensor.arange(channels, device: device) * 256
    rows = Tensor.arange(images.height, device: device).reshaped([1, images.height, 1])
    columns = Tensor.arange(images.width, device: device).reshaped([1, 1, images.width])
    self.device = device
  }

  /// Views as the device reads them, 4 x N, in one transfer. A batch is a range of its second axis.
  func views(_ views: [View]) -> Tensor {
    let shown = views.map { (Int64($0.index), renderer.geometry($0, ofImage: width, height)) }
    let parts: [((Int64, ViewGeometry)) -> Int64] = [
      { $0.0 }, { Int64($0.1.shiftX) }, { Int64($0.1.shiftY) }, { $0.1.isFlipped ? 1 : 0 },
    ]
    return Tensor(parts.flatMap { shown.map($0) }, shape: [4, views.count]).to(device: device)
  }

  /// A batch's bytes: N x height x width x channels, as `ByteBatch` has them.
  func bytes(_ views: Tensor) -> Tensor {
    let part = { (index: Int) in views[index].reshaped([-1, 1, 1]) }
    let (image, shiftX, shiftY, isFlipped) = (part(0), part(1), part(2), part(3))
    // A flipped view shows column width - 1 - x where a plain one shows x.
    let column = columns + isFlipped * (columns * -2 + Double(width - 1)) + shiftX
    let row = rows + shiftY
    let place = (image * Double(height) + row) * Double(width) + column
    let shown = Tensor.where(isInside(row, height) * isInside(column, width), place, black)
    return pixels.indexSelect(0, shown.flattened()).reshaped([-1, height, width, pixels.shape[1]])
  }

  /// A batch as a network takes it: N x C x H x W, channels-last.
  func batch(_ views: Tensor, at position: BatchPosition) -> Batch {
    let bytes = bytes(views)
    let places = bytes.to(.int64) + channelStarts
    let values = table.indexSelect(0, places.flattened()).reshaped(bytes.shape)
    return Batch(
      values.permuted([0, 3, 1, 2]), labels: labels?.indexSelect(0, views[0]), indices: views[0], position: position)
  }

  /// A rank's rows of a batch whose views are given, behind the partner of the first where batches are mixed.
  func batch(_ views: Tensor, of rank: Rank, _ augmentation: Augmentation, at position: BatchPosition) -> Batch {
    let count = views.shape[1]
    let rows = rank.rows(withPartnerOf: count, augmentation).map(Int64.init)
    let places = Tensor(rows, shape: [rows.count]).to(device: views.device)
    var batch = batch(views.indexSelect(1, places), at: position)
    let all = labels?.indexSelect(0, views[0])
    func labelled(_ labels: Tensor?) -> Int { Int(labels?.greater(than: -1).sum().item ?? 0) }
    let own = all?.narrowed(0, rank.rows(of: count))
    batch.part = Batch.Part(rank, indices: views[0], labels: all, labelled: (labelled(own), labelled(all)))
    return batch
  }

  /// Where 0 <= coordinate < size.
  private func isInside(_ coordinate: Tensor, _ size: Int) -> Tensor {
    coordinate.greater(than: -1) * (-coordinate).greater(than: -Double(size))
  }
}

extension ImageSet {
  /// All images of a packed set, one after another.
  var allPixels: [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(count * imageBytes)
    // Packed images lie in memory, where nothing can be wrong with a file.
    for index in 0..<count { try? withPixels(at: index) { all.append(contentsOf: $0.bytes) } }
    return all
  }
}
