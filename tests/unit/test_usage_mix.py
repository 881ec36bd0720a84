"""Usage files: a mix from what was asked for, row by row."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.studies.usage_mix import read_usage

HEAD = "date,model,quality,size,images,team\n"


def _file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "usage.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_rows_that_ask_for_the_same_are_one_part_and_the_days_are_told(
    tmp_path: Path,
) -> None:
    path = _file(
        tmp_path,
        "\ufeff" + HEAD + "2026-10-05,m,low,1024x1024,30,a\n"
        '2026-09-30,m,high,1024x1024,10,"x,y"\n2026-10-01,m,low,1024x1024,0,b\n'
        "2026-11-02T10:00:00,m,low,1024x1024,5,c\n",
    )
    found = read_usage(path)
    counts = {(p.model, p.quality, p.size): p.share for p in found.parts}
    assert counts == {
        ("m", "high", "1024x1024"): Decimal(10),
        ("m", "low", "1024x1024"): Decimal(35),
    }
    assert (found.n_images, found.n_rows) == (45, 4)
    assert (found.first_on, found.last_on) == (date(2026, 9, 30), date(2026, 11, 2))


ROW = "2026-10-05,m,low,1024x1024,30,a\n"
MANY = "".join(f"2026-10-05,m{i},low,1x1,1,a\n" for i in range(101))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "row 1: the header has no column 'model', it has nothing"),
        ("model;quality;size;images\n", "row 1: the header has no column 'model'"),
        ("model,quality,size,images,size\n", "row 1: column 'size' stands twice"),
        (HEAD + ROW + "2026-10-05,m,low\n", "row 3: size: the row ends before it"),
        (HEAD + ROW[:-1] + ",more\n", "row 2: it has more fields than the header"),
        (HEAD + ROW.replace("30", "-3"), "row 2: images: '-3' is no whole number"),
        (HEAD + ROW.replace("30", "1.5"), "row 2: images: '1.5' is no whole number"),
        (HEAD + ROW.replace(",m,", ",,"), "row 2: model: it is empty"),
        (HEAD + ROW.replace("2026-10-05", "5.10."), "row 2: date: '5.10.' is no day"),
        (HEAD + ROW.replace("30", "0"), "it holds no images"),
        (HEAD + MANY, "row 102: more than 100 different"),
        (HEAD + '2026-10-05,"m', "row 2: unexpected end of data"),
    ],
)
def test_a_row_that_can_not_be_meant_is_refused_with_its_place(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        read_usage(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert sentence in str(refusal.value)


def test_other_encodings_and_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it is UTF-16; save it as CSV UTF-8"):
        read_usage(_file(tmp_path, HEAD, "utf-16"))
    with pytest.raises(BadInput, match="it is not UTF-8"):
        read_usage(_file(tmp_path, HEAD + "\xff", "latin-1"))
    with pytest.raises(BadInput, match="can't be read"):
        read_usage(tmp_path / "gone.csv")
