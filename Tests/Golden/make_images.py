"""Writes small images of every form, and what Pillow decodes and resizes them to, for ImageDecoderTests.

    PYTHONPATH="$(Scripts/setup-python.sh)" python3 Tests/Golden/make_images.py   # needs libturbojpeg.so.0 as well

Made with Pillow 13.0 (libjpeg-turbo 3.2, libwebp 1.6). Pillow writes the files but for those that it cannot write: YCCK and
unusual subsampling come from TurboJPEG, PNGs of 16 bits, with interlacing or a gamma from the writer below. Fields that a
file may have in either byte order have it both ways.

`expected.safetensors` holds `NAME.rgb` and `NAME.grey` (height x width x channels): the decoded file turned as its EXIF says
(ImageOps.exif_transpose), on white, as RGB and as L. `NAME.scaled.D` is what Pillow's draft mode gives at 1/D. What is taken
as the truth where libraries differ:

- CMYK and YCCK: Pillow takes 255 for no ink in every JPEG, with Adobe's marker or without, as browsers do; libjpeg leaves
  the numbers as they are. Red is then C K / 255. No profile is applied.
- 16 bits: the byte nearest to v / 257. Pillow keeps the upper byte, and is not asked.
- A gamma other than sRGB's: browsers apply it, Pillow does not; the formula is used.

`resize.SOURCE.WIDTHxHEIGHT` is Pillow's resize(..., BILINEAR) of `source.SOURCE`.
"""

import ctypes
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

FOLDER = Path(__file__).parents[1] / "GoldenFiles" / "Files" / "images"
WIDTH, HEIGHT = 27, 19
expected = {}


def picture(width, height, channels):
    """Waves that differ in each channel, with a sharp edge and all of the range."""
    y, x, c = np.ogrid[:height, :width, :channels]
    waves = 127.5 + 127.5 * np.sin(x / (5 + c) + c) * np.cos(y / (4 + c) - c)
    return np.where((x > width * 2 // 3) & (y < height // 2), 255 - 40 * c, waves).round().astype(np.uint8)


RGB = picture(WIDTH, HEIGHT, 3)
RGBA = picture(WIDTH, HEIGHT, 4)
GREY = RGB[..., 0]


def image(array):
    return Image.fromarray(array)


def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def shown(data):
    """What Pillow makes of a file, as RGB."""
    read = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if "A" in read.getbands() or "transparency" in read.info:
        read = read.convert("RGBA")
        read = Image.alpha_composite(Image.new("RGBA", read.size, "white"), read)
    return read.convert("RGB")


def add(name, data, rgb=None):
    (FOLDER / name).write_bytes(data)
    rgb = shown(data) if rgb is None else image(rgb)
    expected[f"{name}.rgb"] = np.asarray(rgb)
    expected[f"{name}.grey"] = np.asarray(rgb.convert("L"))[..., None]


def exif(orientation, order="<"):
    """A block of EXIF with a camera's name and an orientation."""
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHII", 0x010F, 2, 4, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(order + "HIH", 42, 8, 2) + entries + struct.pack(order + "I", 0)


def png(array, kind, depth=8, before=(), interlaced=False):
    """A PNG of whole samples, every row with filter 0, chunks of `before` ahead of its pixels."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b""
    for top, left, down, right in passes if interlaced else [(0, 0, 1, 1)]:
        part = array[top::down, left::right]
        if part.size:
            rows += b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in part)
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], depth, kind, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def turbojpeg(array, pixel_format, subsampling, flags=0):
    library = ctypes.CDLL("libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    target, size = ctypes.c_void_p(), ctypes.c_ulong()
    array = np.ascontiguousarray(array)
    status = library.tjCompress2(
        ctypes.c_void_p(library.tjInitCompress()), array.ctypes.data_as(ctypes.c_void_p), array.shape[1], 0,
        array.shape[0], pixel_format, ctypes.byref(target), ctypes.byref(size), subsampling, 90, flags)
    assert status == 0
    return ctypes.string_at(target, size.value)


def without_segment(jpeg, marker):
    start = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2:start + 4], "big"):]


def jpegs():
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        add(f"rgb-{name}.jpg", encoded(image(RGB), "JPEG", quality=90, subsampling=subsampling))
    add("rgb-440.jpg", turbojpeg(RGB, 0, 4))
    add("rgb-411.jpg", turbojpeg(RGB, 0, 5))
    add("grey.jpg", encoded(image(GREY), "JPEG", quality=90))
    add("progressive.jpg", encoded(image(RGB), "JPEG", quality=90, progressive=True))
    add("restarts.jpg", encoded(image(RGB), "JPEG", quality=90, restart_marker_blocks=1))
    add("untransformed.jpg", encoded(image(RGB), "JPEG", quality=90, keep_rgb=True))
    cmyk = encoded(Image.fromarray(RGBA, mode="CMYK"), "JPEG", quality=90)
    add("cmyk.jpg", cmyk)
    add("cmyk-unmarked.jpg", without_segment(cmyk, 0xEE))
    add("ycck.jpg", turbojpeg(RGBA, 11, 2))
    # Bytes that belong to nothing, which every viewer skips.
    usual = encoded(image(RGB), "JPEG", quality=90)
    tables = usual.index(b"\xff\xc4")
    add("strange-bytes.jpg", usual[:tables] + b"\1\2\3" + usual[tables:-2] + b"\4\5" + usual[-2:])
    for orientation in range(1, 9):
        block = exif(orientation, "<>"[orientation % 2])
        add(f"orientation-{orientation}.jpg", encoded(image(GREY), "JPEG", quality=90, exif=block))

    large = encoded(image(picture(101, 75, 3)), "JPEG", quality=85)
    (FOLDER / "large.jpg").write_bytes(large)
    for divisor in (1, 2, 4, 8):
        draft = Image.open(io.BytesIO(large))
        draft.draft("RGB", (101 // divisor, 75 // divisor))
        expected[f"large.jpg.scaled.{divisor}"] = np.asarray(draft)


def pngs():
    grey16 = np.arange(WIDTH * HEIGHT, dtype=np.uint32).reshape(HEIGHT, WIDTH) * 127 % 65536
    rgb16 = np.stack([grey16, 65535 - grey16, grey16 * 7 % 65536], -1)
    opaque = np.where(np.indices((HEIGHT, WIDTH)).sum(0) % 3 == 0, 0, 255).astype(np.uint8)
    palette = image(RGB).quantize(13)
    add("rgb.png", encoded(image(RGB), "PNG"))
    add("grey.png", encoded(image(GREY), "PNG"))
    add("bits.png", encoded(image(GREY).convert("1"), "PNG"))
    add("palette.png", encoded(palette, "PNG"))
    add("palette-transparent.png", encoded(palette, "PNG", transparency=bytes(range(0, 260, 20))))
    add("rgb-transparent.png", encoded(image(RGB), "PNG", transparency=tuple(int(v) for v in RGB[0, -1])))
    add("grey-transparent.png", encoded(image(GREY), "PNG", transparency=255))
    add("rgba.png", encoded(image(RGBA), "PNG"))
    add("grey-alpha.png", encoded(image(np.stack([GREY, RGB[..., 1]], -1)), "PNG"))
    add("grey-16.png", png(grey16, 0, 16), np.stack([(grey16 + 128) // 257] * 3, -1).astype(np.uint8))
    add("rgb-16.png", png(rgb16, 2, 16), ((rgb16 + 128) // 257).astype(np.uint8))
    add("rgba-16.png", png(np.concatenate([rgb16, opaque[..., None].astype(np.uint32) * 257], -1), 6, 16),
        np.where(opaque[..., None] == 255, (rgb16 + 128) // 257, 255).astype(np.uint8))
    add("interlaced.png", png(RGB, 2, interlaced=True))
    add("text.png", png(GREY, 0, before=[(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 1000))]))
    linear = RGB / 255
    encoded_srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    add("gamma.png", png(RGB, 2, before=[(b"gAMA", struct.pack(">I", 100000))]),
        (255 * encoded_srgb).round().astype(np.uint8))
    for orientation, order in ((3, "<"), (6, ">")):
        add(f"orientation-{orientation}.png", png(RGB, 2, before=[(b"eXIf", exif(orientation, order)[6:])]))


def webps():
    add("lossy.webp", encoded(image(RGB), "WEBP", quality=85))
    add("lossless.webp", encoded(image(RGB), "WEBP", lossless=True))
    add("lossy-alpha.webp", encoded(image(RGBA), "WEBP", quality=85))
    add("lossless-alpha.webp", encoded(image(RGBA), "WEBP", lossless=True, exact=True))
    add("orientation-8.webp", encoded(image(RGB), "WEBP", quality=85, exif=exif(8)))
    others = [image(RGB[::-1].copy()), image(255 - RGB)]
    add("animation.webp", encoded(image(RGB), "WEBP", lossless=True, save_all=True, append_images=others))
    # Its first picture covers a part; nothing is behind the rest.
    parts = Image.new("RGBA", (WIDTH, HEIGHT))
    parts.paste(image(RGB[4:10, 6:20].copy()), (6, 4))
    add("animation-part.webp", encoded(parts, "WEBP", lossless=True, save_all=True, append_images=others))


def resizes():
    generator = np.random.default_rng(1)
    sources = {
        "noise": generator.integers(0, 256, (48, 64, 3), dtype=np.uint8),
        "edges": (generator.integers(0, 2, (48, 64, 1)) * 255).astype(np.uint8),
        "wide": generator.integers(0, 256, (1, 30000, 1), dtype=np.uint8),
        "tall": generator.integers(0, 256, (3000, 1, 3), dtype=np.uint8),
        "white": np.full((1, 2000, 3), 255, np.uint8),
        "point": np.full((1, 1, 3), (7, 250, 100), np.uint8),
    }
    usual = [(32, 24), (24, 24), (17, 5), (64, 20), (13, 48), (1, 1), (80, 50), (65, 49)]
    sizes = {"wide": [(100, 1), (1, 1), (7, 5)], "tall": [(1, 100), (3, 2)], "white": [(224, 7), (1, 1)], "point": [(5, 4)]}
    for name, source in sources.items():
        expected[f"source.{name}"] = source
        for size in sizes.get(name, usual):
            resized = image(source if source.shape[2] == 3 else source[..., 0]).resize(size, Image.BILINEAR)
            array = np.asarray(resized)
            expected[f"resize.{name}.{size[0]}x{size[1]}"] = array if array.ndim == 3 else array[..., None]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for make in (jpegs, pngs, webps, resizes):
        make()
    save_file({name: np.ascontiguousarray(value) for name, value in expected.items()}, FOLDER / "expected.safetensors")
