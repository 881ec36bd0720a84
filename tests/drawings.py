"""The small pictures of data/suites, drawn: `python -m tests.drawings` writes them."""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[1] / "data" / "suites" / "pictures"
EDGE_PX = 256


def _canvas(colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (EDGE_PX, EDGE_PX), colour)
    return picture, ImageDraw.Draw(picture)


def room() -> Image.Image:
    """A room: wall, floor, a window, a table."""
    picture, draw = _canvas("#e8ddc8")
    draw.rectangle((0, 176, 255, 255), fill="#9c7b55")
    draw.rectangle((24, 28, 104, 116), fill="#bfe3f2", outline="#5b4630", width=4)
    draw.rectangle((120, 148, 236, 160), fill="#5b4630")
    for left in (128, 220):
        draw.rectangle((left, 160, left + 8, 224), fill="#5b4630")
    return picture


def room_drawing() -> Image.Image:
    """Where the room may be changed: white over the table's top."""
    picture = Image.new("L", (EDGE_PX, EDGE_PX), 0)
    ImageDraw.Draw(picture).rectangle((124, 72, 232, 147), fill=255)
    return picture


def room_markup() -> Image.Image:
    """What to change in the room: a ring and an arrow, and nothing around them."""
    picture = Image.new("RGBA", (EDGE_PX, EDGE_PX), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((140, 84, 216, 148), outline="#e0122b", width=5)
    draw.line((236, 40, 206, 84), fill="#e0122b", width=5)
    return picture


def bowl() -> Image.Image:
    """A blue bowl with three oranges."""
    picture, draw = _canvas("#f6f4ef")
    for left in (76, 108, 140):
        draw.ellipse((left, 92, left + 44, 136), fill="#e8862e")
    draw.pieslice((56, 60, 200, 204), 0, 180, fill="#2f5d9e")
    return picture


def lamp() -> Image.Image:
    """A desk lamp."""
    picture, draw = _canvas("#f6f4ef")
    draw.polygon(((96, 48), (160, 48), (192, 112), (64, 112)), fill="#c8413b")
    draw.rectangle((122, 112, 134, 200), fill="#444444")
    draw.ellipse((84, 192, 172, 216), fill="#444444")
    return picture


def fabric() -> Image.Image:
    """A checked cloth, green and white."""
    picture, draw = _canvas("#ffffff")
    for at in range(0, EDGE_PX, 64):
        draw.rectangle((at, 0, at + 31, 255), fill="#b7d8b0")
        draw.rectangle((0, at, 255, at + 15), fill="#4d8f43")
    return picture


def kite() -> Image.Image:
    """A red kite in a blue sky."""
    picture, draw = _canvas("#8cc4ea")
    draw.polygon(((150, 36), (204, 96), (138, 150), (96, 84)), fill="#d23b30")
    draw.line((150, 36, 138, 150), fill="#7d1f18", width=3)
    draw.line((96, 84, 204, 96), fill="#7d1f18", width=3)
    draw.line((138, 150, 96, 190, 116, 236), fill="#ffffff", width=3)
    return picture


def logo() -> Image.Image:
    """A sign of three bars in a ring."""
    picture, draw = _canvas("#ffffff")
    draw.ellipse((40, 40, 216, 216), outline="#1d3557", width=12)
    for number, height in enumerate((48, 80, 112)):
        left = 84 + 32 * number
        draw.rectangle((left, 180 - height, left + 20, 180), fill="#1d3557")
    return picture


DRAWINGS = {
    "room.png": room,
    "room-drawing.png": room_drawing,
    "room-markup.png": room_markup,
    "bowl.png": bowl,
    "lamp.jpg": lamp,
    "fabric.webp": fabric,
    "kite.png": kite,
    "logo.png": logo,
}


def write(folder: Path = FOLDER) -> None:
    """Write every picture; the room's mask is made of its drawing."""
    from bench.inputs.masking import made_mask

    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWINGS.items():
        draw().save(folder / name, quality=90, optimize=True)
    mask = made_mask(folder / "room-drawing.png", "black", folder / "room.png")
    (folder / "room-mask.png").write_bytes(mask.content)


if __name__ == "__main__":
    write()
