"""Parser: llhttp, lenient where only the answer at hand hangs on it."""

from httptools import HttpResponseParser


def new_parser(owner: object) -> HttpResponseParser:
    """A parser that calls its owner's methods.

    An answer may be paid: what can be read is read.
    """
    parser = HttpResponseParser(owner)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_chunked_length=True,
        lenient_keep_alive=True,
        lenient_version=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
