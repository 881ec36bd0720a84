"""Bills for tests, written by hand: no line of them is anybody's."""

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from bench.commands import importing, reconcile
from bench.errors import BadInput

HEADER = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,"
    "quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,"
    "project_name,organization_name,user_email,api_source"
)
SECRETS = ("user-7", "Our Project", "Our House", "someone@example.com", "org-1")
_DAY_S = 86_400


class Office:
    """Runs `import` and `reconcile` in this process on one data folder."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        self.data = data
        self._app = typer.Typer(pretty_exceptions_enable=False)
        for group in (importing, reconcile):
            group.register(self._app)

    def tell(self, *arguments: object) -> Result:
        given = [*map(str, arguments), "--data", str(self.data)]
        return CliRunner().invoke(self._app, given, catch_exceptions=False)

    def answer(self, *arguments: object) -> dict[str, Any]:
        return json.loads(self.tell(*arguments, "--json").stdout)

    def refusal(self, *arguments: object) -> str:
        """The sentence of a refusal; the roof prints it and exits 2."""
        try:
            said = self.tell(*arguments).stdout
        except BadInput as error:
            return str(error)
        raise AssertionError(said)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def kept(self) -> list[Path]:
        """What of imports lies in the data folder, half or whole."""
        return [path for path in self.data.rglob("*") if path.is_file()]

    def bill(self) -> dict[str, Any]:
        """The only kind of bill in what `reconcile` answers."""
        (bill,) = self.answer("reconcile")["bills"]
        return bill


def cost_row(
    day: str,
    line_item: str = "",
    amount: str = "",
    quantity: object = "",
    *,
    unit: str = "tokens",
    project: str = "proj_1",
) -> str:
    """A line of a cost export; without an item a day without spend."""
    start = int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp())
    times = f"{start},{start + _DAY_S},{day}T00:00:00,"
    if not amount:
        return times + "," * 13
    user, name, house, mail, organisation = SECRETS
    return (
        f'{times},{amount},usd,{quantity},{unit},"{line_item}",{user},key_1,'
        f"{project},{organisation},{name},{house},{mail},"
    )


def cost_csv(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"
