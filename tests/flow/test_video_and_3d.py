"""What is no picture yet: books price it, records and index hold it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bench.folder import DataFolder
from bench.store import queries
from bench.store.index import open_index
from bench.store.ingest import refresh
from pricing.book import shipped_book
from pricing.question import answer

# A second of film is what is counted, at a quality and size; a scene is one piece.
BOOK = """
vendor = "studio"
kind = "image"
checked_on = 2026-11-20
source = "list"
confidence = "high"
[sources]
list = "a price list made up for this test"
[[model]]
name = "film-1"
released = 2026-11-01
[[model.card]]
tier = "standard"
images = [
  { quality = "draft", size = "1280x720", usd = "0.10" },
  { quality = "final", size = "1920x1080", usd = "0.35" },
]
[[model]]
name = "scene-1"
released = 2026-11-01
[[model.card]]
tier = "standard"
images = [{ quality = "standard", usd = "0.40" }]
"""


def test_a_book_prices_seconds_of_film_and_scenes_by_the_piece() -> None:
    book = shipped_book().with_own({"studio.toml": BOOK})
    asked = {"mode": "per_image", "provider": "studio", "as_of": "2026-11-21"}
    film = {"model": "film-1", "quality": "draft", "size": "1280x720", "images": 8}
    found = answer({**asked, **film}, book)
    assert (found["usd"], found["error"]) == ("0.8", None)
    scene = {"model": "scene-1", "quality": "standard", "images": 1}
    assert answer({**asked, **scene}, book)["usd"] == "0.4"


def test_records_and_index_hold_a_film_and_its_money(
    synthetic_run: Callable[..., Any], data_folder: DataFolder
) -> None:
    run = synthetic_run(n_prompts=1, repeats=1, endpoints=(("a", "direct"),))
    run.plan["cells"][0]["operation"] = "video"
    run.plan["cells"][0]["parameters"] = {"seconds": 8, "size": "1280x720"}
    run.freeze()
    film = {"sha256": "cd" * 32, "n_bytes": 9_000_000, "format": "mp4"}
    film |= {"width_px": 1280, "height_px": 720, "simulated": False, "problem": None}
    served = {"served_format": "mp4", "bytes": 9_000_000, "charge_usd": "0.8"}
    run.settle_all(lambda _: {**served, "pictures": [film]})
    refresh(data_folder)
    with open_index(data_folder) as con:
        (row,) = queries.rows_of(con, "SELECT * FROM v_trial")
        (cell,) = queries.rows_of(con, "SELECT parameters FROM cell")
    assert (row["operation"], row["served_format"]) == ("video", "mp4")
    assert (row["charge_usd"], row["usable"]) == (Decimal("0.8"), True)
    assert row["pictures"][0]["format"] == "mp4"
    assert "seconds" in str(cell["parameters"])
