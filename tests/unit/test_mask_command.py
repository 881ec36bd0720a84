"""Mask: a drawing becomes what a model takes, or is refused with the cure."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

import pixelmeter
from bench.errors import BadInput, BenchError


def _drawing(folder: Path, name: str = "drawing.png", mode: str = "L") -> Path:
    """Black, with a white quarter."""
    picture = Image.new(mode, (64, 64), 0)
    ImageDraw.Draw(picture).rectangle((0, 0, 31, 31), fill="white")
    path = folder / name
    picture.save(path, quality=95)
    return path


def _picture(folder: Path, size: tuple[int, int] = (64, 64)) -> Path:
    path = folder / "picture.png"
    Image.new("RGB", size, "red").save(path)
    return path


def _run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(
        pixelmeter.command_line(), ["mask", *map(str, arguments)], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    return done.stdout


def _alpha(path: Path) -> Image.Image:
    with Image.open(path) as made:
        assert (made.format, made.mode) == ("PNG", "RGBA")
        return made.getchannel("A")


@pytest.mark.parametrize(
    ("name", "mode"),
    [("d.png", "L"), ("d.png", "1"), ("d.jpg", "RGB"), ("d.webp", "RGB")],
)
def test_white_may_be_edited_and_black_stays(
    tmp_path: Path, name: str, mode: str
) -> None:
    out = tmp_path / "mask.png"
    assert "25.0%" in _run(_drawing(tmp_path, name, mode), out)
    alpha = _alpha(out)
    assert (alpha.getpixel((5, 5)), alpha.getpixel((50, 50))) == (0, 255)
    assert alpha.getextrema() == (0, 255)


def test_keep_white_turns_it_round_and_json_says_what_was_made(tmp_path: Path) -> None:
    out = tmp_path / "mask.png"
    answer = json.loads(_run(_drawing(tmp_path), out, "--keep", "white", "--json"))
    assert answer["editable_share"] == 0.75
    assert (answer["width_px"], answer["was_scaled"]) == (64, False)
    assert _alpha(out).getpixel((5, 5)) == 255


def test_a_mask_is_scaled_to_what_it_is_for_and_then_holds(tmp_path: Path) -> None:
    out, target = tmp_path / "mask.png", _picture(tmp_path, (96, 48))
    assert "96x48, scaled" in _run(_drawing(tmp_path), out, "--for", target)
    assert set(_alpha(out).histogram()[1:255]) == {0}
    assert "25.0%" in _run("--check", out, "--for", target)
    with pytest.raises(BadInput, match="both have to be of one size"):
        _run("--check", out, "--for", _picture(tmp_path, (48, 96)))


def _files(folder: Path) -> dict[str, Path]:
    names = {
        name: folder / f"{name}.png" for name in ("photo", "clear", "black", "grey")
    }
    Image.linear_gradient("L").save(names["grey"])
    Image.new("RGB", (64, 64), "orange").save(names["photo"])
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(names["clear"])
    Image.new("L", (64, 64), 0).save(names["black"])
    names["pdf"] = folder / "a.pdf"
    names["pdf"].write_bytes(b"%PDF-1.7 ...")
    names["folder"] = folder
    names["link"] = folder / "link.png"
    names["link"].symlink_to(names["black"])
    names["empty"] = folder / "empty.png"
    names["empty"].touch()
    cut = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(cut, "JPEG")
    names["cut"] = folder / "cut.jpg"
    names["cut"].write_bytes(cut.getvalue()[:-400])
    names["gone"] = folder / "gone.png"
    return names


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("photo", r"100\.0% of its pixels are coloured; paint black and white"),
        ("grey", "of its pixels are in between; paint black and white"),
        ("clear", "is transparent in places already.*--check MASK --for IMAGE"),
        ("black", "nothing is white.*or set --keep white"),
        ("pdf", "is a PDF, which no image model takes; save it as PNG"),
        ("folder", "is a folder; name a picture file"),
        ("link", "is a symbolic link, which is not followed"),
        ("empty", "is empty"),
        ("cut", "can't be decoded, so it is damaged, cut short"),
        ("gone", r"can't be read \(No such file"),
    ],
)
def test_what_is_no_drawing_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, sentence: str
) -> None:
    out = tmp_path / "mask.png"
    with pytest.raises(BadInput, match=sentence) as refusal:
        _run(_files(tmp_path)[name], out)
    assert "\n" not in str(refusal.value)
    assert not out.exists()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    out, drawing = tmp_path / "mask.png", _drawing(tmp_path)
    _run(drawing, out)
    for arguments, sentence in (
        ((drawing, out), "is there already"),
        ((drawing, drawing, "--force"), "is the drawing itself"),
        ((drawing, tmp_path / "mask.jpg"), "a mask is a PNG"),
        ((drawing, tmp_path / "no" / "mask.png"), "does not exist"),
        ((drawing, out, "--keep", "blue"), "--keep: 'blue'"),
        ((drawing,), "mask IN OUT"),
        (("--check", out), "needs --for IMAGE"),
    ):
        with pytest.raises(BenchError, match=sentence):
            _run(*arguments)
    _run(drawing, out, "--force", "--keep", "white")
    assert _alpha(out).getpixel((5, 5)) == 255
