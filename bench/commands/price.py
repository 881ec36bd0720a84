"""Price: the command that answers price questions in dollars."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bench.commands.options import BooksOption, DataOption

if TYPE_CHECKING:
    from pricing.book import PriceBook

SCHEMA = "pixelmeter.price/1"
BAD_INPUT = 2
_NOT_ASKED = {"questions", "books", "data", "as_json"}
_BOM = b"\xef\xbb\xbf"
_USAGE = (
    *("input_text_tokens", "cached_text_tokens"),
    *("input_image_tokens", "cached_image_tokens"),
    *("output_image_tokens", "output_text_tokens"),
)
_FLAG_WORDS = {
    "cache_unknown_upper_bound": "cached tokens are unknown and priced as uncached",
    "cache_write_unknown": "cache writes are unknown and priced as plain input",
    "input_unknown": "an input class was not given and counts 0",
    "output_text_unknown": "text output was not given and counts 0",
    "own_book": "priced by a book of your own, not by the shipped ones",
    "tool_usage_unknown": "the image tool's usage is missing: mainline tokens only",
}

Text = str | None
Count = int | None
Model = Annotated[Text, typer.Option(help="Image model or snapshot.")]
Provider = Annotated[
    Text, typer.Option(help="A book's vendor; openai. `prices` lists them.")
]
AsOf = Annotated[Text, typer.Option(metavar="DATE", help="Day of the prices; today.")]
Tier = Annotated[Text, typer.Option(help="standard (default) or batch.")]
Mode = Annotated[
    Text, typer.Option(help="usage (default), estimate, per_image or flat.")
]
Quality = Annotated[Text, typer.Option(help="Quality asked for.")]
Size = Annotated[Text, typer.Option(metavar="WxH", help="Size asked for, or auto.")]
N = Annotated[Count, typer.Option(help="Images a request; 1.")]
Partials = Annotated[Count, typer.Option(help="Partial images, 0 to 3.")]
InputImage = Annotated[
    list[str] | None,
    typer.Option(
        "--input-image", metavar="WxH[:low|high]", help="Sent along; repeatable."
    ),
]
Tokens = Annotated[Count, typer.Option(help="Tokens of that class; totals of input.")]
Images = Annotated[Count, typer.Option(help="Pictures, in modes per_image and flat.")]
FlatPrice = Annotated[Text, typer.Option(metavar="USD", help="A picture, mode flat.")]
Requests = Annotated[Count, typer.Option(help="Equal requests; 1.")]
Multiplier = Annotated[
    Text, typer.Option(metavar="FACTOR", help="A gateway's factor, such as 0.5.")
]
Input = Annotated[
    typer.FileBinaryRead | None,
    typer.Option("--input", metavar="FILE|-", help="One JSON question a line."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command `price` to the command line."""
    app.command("price")(price)


def price(
    *,
    model: Model = None,
    provider: Provider = None,
    as_of: AsOf = None,
    tier: Tier = None,
    mode: Mode = None,
    quality: Quality = None,
    size: Size = None,
    n: N = None,
    partial_images: Partials = None,
    input_images: InputImage = None,
    input_text_tokens: Tokens = None,
    cached_text_tokens: Tokens = None,
    input_image_tokens: Tokens = None,
    cached_image_tokens: Tokens = None,
    output_image_tokens: Tokens = None,
    output_text_tokens: Tokens = None,
    images: Images = None,
    flat_price: FlatPrice = None,
    requests: Requests = None,
    multiplier: Multiplier = None,
    questions: Input = None,
    books: BooksOption = None,
    data: DataOption = None,
    as_json: AsJson = False,
) -> None:
    """Say what a request costs, exactly, and by which rates.

    The options are one question; with --input each line is one, answered as JSON.
    """
    given: dict[str, Any] = {
        key: value
        for key, value in locals().items()
        if value not in (None, []) and key not in _NOT_ASKED
    }
    book = _book(data, books)
    if questions is None:
        _answer_options(given, book, as_json=as_json)
    elif given:
        _fail("--input takes whole questions: leave the other options out")
    else:
        _answer_lines(questions, book)


def _book(data: Path | None, books: Path | None) -> "PriceBook":
    """The shipped prices, under the user's own where there are any."""
    from bench.commands.indexed import chosen_folder
    from bench.plan.books import chosen_book

    return chosen_book(chosen_folder(data).root, books)


def _answer_options(given: dict[str, Any], book: "PriceBook", *, as_json: bool) -> None:
    """Answer the question of the options, as a table or as JSON."""
    from pricing.errors import PricingError
    from pricing.question import answer

    if not given:
        _fail("no question: name a --model and its tokens, or an --input file")
    try:
        found = answer(_question(given), book)
    except PricingError as error:
        _fail(str(error))
    typer.echo(_json_line(found) if as_json else _table(found))


def _question(given: dict[str, Any]) -> dict[str, Any]:
    """The options as a price question."""
    usage = {key: given[key] for key in _USAGE if key in given}
    question = {key: value for key, value in given.items() if key not in usage}
    if usage:
        question["usage"] = usage
    if "input_images" in question:
        question["input_images"] = [
            _input_image(text) for text in question["input_images"]
        ]
    return question


def _input_image(text: str) -> dict[str, str | int | None]:
    """Read ``1024x1024`` or ``1024x1536:high``."""
    from pricing.variant import Size

    size_text, _, fidelity = text.partition(":")
    size = Size.parse(size_text)
    return {
        "width": size.width_px,
        "height": size.height_px,
        "fidelity": fidelity or None,
    }


def _answer_lines(questions: IO[bytes], book: "PriceBook") -> None:
    """Answer each line; tell which ones are no questions, and exit 2 if any was."""
    from bench.words.printable import printable
    from pricing.errors import BadQuestion
    from pricing.question import answer

    n_bad = 0
    for number, line in enumerate(questions, start=1):
        if not line.removeprefix(_BOM).strip():
            continue
        try:
            typer.echo(_json_line(answer(_read_json(line), book)))
        except BadQuestion as error:
            n_bad += 1
            told = printable(str(error))
            typer.echo(f"{questions.name}: line {number}: {told}", err=True)
    if n_bad:
        raise typer.Exit(BAD_INPUT)


def _read_json(line: bytes) -> object:
    """A line's JSON; BadQuestion where it is none, or says a key twice."""
    import json

    from pricing.errors import BadQuestion

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise BadQuestion("a key stands twice in one object")
        return found

    def refuse(constant: str) -> object:
        raise BadQuestion(f"not JSON: {constant} is no number")

    try:
        text = line.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except UnicodeDecodeError:
        raise BadQuestion("not UTF-8; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BadQuestion(f"not JSON: {str(error)[:120]}") from error


def _json_line(found: dict[str, object]) -> str:
    """An answer as one line of JSON."""
    import json

    return json.dumps({"schema": SCHEMA} | found)


def _table(found: dict[str, Any]) -> str:
    """An answer for people."""
    if found["usd"] is None:
        return "\n".join(_refusal(found))
    rows = [
        ("class", "quantity", "rate USD", "per", "USD"),
        *(_row(line) for line in found["lines"]),
        ("total", "", "", "", str(found["usd"])),
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    texts = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*texts, *_books(found["book"]), *_notes(found["flags"])])


def _row(line: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A line of a charge as the cells of a table."""
    quantity, per = f"{line['quantity']:,}", f"{line['per']:,}"
    return line["class"], quantity, line["rate_usd"], per, line["usd"]


def _refusal(found: dict[str, Any]) -> Iterator[str]:
    """Why there is no price, and between what it lies."""
    yield f"no price: {found['error']}"
    if span := found.get("range_usd"):
        yield f"between {span['low']} and {span['high']} USD"
    if bound := found.get("bound_usd"):
        yield f"at most {bound} USD"
    yield from _notes(found["flags"])


def _books(book: dict[str, str] | None) -> Iterator[str]:
    """Which rates were used; none at a flat price."""
    for ref in [book] if book else []:
        yield (
            f"rates: {ref['vendor']}, from {ref['valid_from']}, "
            f"checked {ref['checked_on']} ({ref['source']})"
        )


def _notes(flags: list[str]) -> Iterator[str]:
    """What the figure leaves out or takes for granted."""
    for flag in flags:
        yield f"note: {_FLAG_WORDS.get(flag, flag)}"


def _fail(sentence: str) -> NoReturn:
    """Tell what is wrong on stderr, and exit 2."""
    typer.echo(f"price: {sentence}", err=True)
    raise typer.Exit(BAD_INPUT)
