"""Tables: rows as aligned text on stdout."""

from collections.abc import Iterable, Sequence

# Whoever reads from a pipe gets whole lines, however long they are.
_PIPE_COLUMNS = 400


def print_table(
    columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]
) -> None:
    """Print rows under headings.

    Args:
        columns: Heading, and whether it is a figure, which stands to the right.
        rows: As many texts as columns, shown as they are.
    """
    from rich.console import Console  # noqa: PLC0415  --help stays fast
    from rich.table import Table  # noqa: PLC0415  --help stays fast
    from rich.text import Text  # noqa: PLC0415  --help stays fast

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, (heading, is_figure) in enumerate(columns):
        # The first names the row, and is typed again: it is never cut.
        table.add_column(
            heading,
            justify="right" if is_figure else "left",
            no_wrap=is_figure or number == 0,
            overflow="fold" if number == 0 else "ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console = Console(highlight=False, width=_PIPE_COLUMNS)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())  # noqa: T201  a table is an answer, for stdout
