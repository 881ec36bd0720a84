"""Project files: a projection as CSV, Excel, HTML page or PNG."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BadInput
from bench.exports.files import refuse_place, whole_file
from bench.studies.outlook import Outlook

_CHARTS = (".html", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files that a command line asks for, by option."""

    paths: Mapping[str, Path]
    force: bool

    def refuse(self) -> None:
        """Say before any work why a file can't be written.

        Raises:
            BadInput: Names the option and the file.
        """
        for option, path in self.paths.items():
            if option == "--chart" and path.suffix.lower() not in _CHARTS:
                raise BadInput(
                    f"--chart {path}: name a file that ends with .html or .png"
                )
            refuse_place(path, force=self.force, option=option)
        if len(set(self.paths.values())) < len(self.paths):
            raise BadInput(f"{', '.join(self.paths)}: two of them name one file")

    def write(self, found: Outlook, notes: Sequence[str]) -> tuple[Path, ...]:
        """Write them all, each whole or not at all; returns their paths.

        Raises:
            BadInput: A file came to stand there meanwhile.
            StorageFailed: One can't be written.
        """
        for option, path in self.paths.items():
            with whole_file(path, force=self.force, option=option) as partial:
                _writer(option, path)(found, notes, partial)
        return tuple(self.paths.values())


def _writer(option: str, path: Path) -> Callable[[Outlook, Sequence[str], Path], None]:
    if option == "--csv":
        return _csv
    if option == "--xlsx":
        return _xlsx
    return _png if path.suffix.lower() == ".png" else _page


def _csv(found: Outlook, _: Sequence[str], path: Path) -> None:
    from bench.exports.projection_lines import projection_lines

    with path.open("wb") as file:
        file.writelines(projection_lines(found))


def _xlsx(found: Outlook, notes: Sequence[str], path: Path) -> None:
    from bench.exports.projection_book import write_projection

    write_projection(found, path, notes)


def _page(found: Outlook, notes: Sequence[str], path: Path) -> None:
    from dashboards.report.outlook_page import render_outlook

    path.write_text(render_outlook(found, notes), "utf-8")


def _png(found: Outlook, _: Sequence[str], path: Path) -> None:
    from dashboards.report.outlook_page import draw_outlook

    path.write_bytes(draw_outlook(found))
