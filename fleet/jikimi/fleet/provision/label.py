"""Labels: a QR code beside id, kind and site, for printers of 62 x 29 mm labels. Nothing on it tells about a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_DPI = 300
_WIDTH_PX, _HEIGHT_PX = 732, 342  # 62 x 29 mm
_MARGIN_PX = 18
_TEXT_PX = (64, 44, 36)  # id, kind, site
_SMALLEST_PX = 12


@dataclass(frozen=True)
class Label:
    """What is printed."""

    site: str
    device: str
    kind: str

    @property
    def code(self) -> str:
        """Content of the QR code."""
        return f"jk/{self.site}/{self.device}/{self.kind}"

    @property
    def lines(self) -> tuple[str, str, str]:
        """Text beside it."""
        return self.device, self.kind, self.site


def write_png(label: Label, path: Path) -> None:
    """One label as a picture."""
    _drawn(label).save(path, dpi=(_DPI, _DPI))


def write_pdf(labels: Sequence[Label], path: Path) -> None:
    """One label a page."""
    first, *others = [_drawn(label) for label in labels]
    first.save(path, "PDF", resolution=float(_DPI), save_all=True, append_images=others, title="jikimi labels")


def _drawn(label: Label) -> Image:
    try:
        from PIL import Image, ImageDraw  # slow imports, of the extra `usb`
    except ImportError as error:
        raise BoardError("labels need pillow and segno: pip install 'jikimi[usb]'") from error
    picture = Image.new("L", (_WIDTH_PX, _HEIGHT_PX), 255)
    code = _qr(label.code)
    picture.paste(code, (_MARGIN_PX, (_HEIGHT_PX - code.height) // 2))
    pen, left, top = ImageDraw.Draw(picture), code.width + 2 * _MARGIN_PX, 3 * _MARGIN_PX
    for text, size in zip(label.lines, _TEXT_PX, strict=True):
        font = _fitting(text, size, _WIDTH_PX - left - _MARGIN_PX)
        pen.text((left, top), text, fill=0, font=font)
        top += size + _MARGIN_PX
    return picture


def _qr(text: str) -> Image:
    import segno  # slow import
    from PIL import Image

    code = segno.make(text, error="m", micro=False)
    scale = (_HEIGHT_PX - 2 * _MARGIN_PX) // code.symbol_size()[0]
    rows = [bytes(255 * (1 - bit) for bit in row) for row in code.matrix_iter(scale=scale, border=4)]
    return Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows))


def _fitting(text: str, size_px: int, width_px: int) -> FreeTypeFont:
    """The font in the largest size up to `size_px` in which the text fits."""
    from PIL import ImageFont
    from PIL.ImageFont import FreeTypeFont

    while True:
        font = ImageFont.load_default(size_px)
        assert isinstance(font, FreeTypeFont), "Pillow's wheels have FreeType"
        if font.getlength(text) <= width_px or size_px <= _SMALLEST_PX:
            return font
        size_px -= 2
