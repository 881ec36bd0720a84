"""Daily spend: US$ a UTC day, stacked by endpoint."""

from collections import defaultdict
from collections.abc import Sequence

import plotly.graph_objects as go

from dashboards.charts.canvas import Row, canvas, nothing, plain
from dashboards.charts.inks import fill, inks_of
from pricing.money import total

TITLE = "US$ a day"


def daily_spend(rows: Sequence[Row], *, title: str = TITLE) -> go.Figure:
    """A bar a day, in parts by endpoint.

    Args:
        rows: Of `v_spend_daily`: `{day, endpoint, route, simulated, charge_usd,
            n_charge_unknown}`; unknown charges are counted in the subtitle.
        title: Stands above the figure.
    """
    if not rows:
        return nothing(title)
    n_unknown = sum(row.get("n_charge_unknown") or 0 for row in rows)
    remark = f"{n_unknown:,} requests at unknown prices not in it" if n_unknown else ""
    figure = canvas(title, rows, remark=remark)
    for name, ink in inks_of(rows).items():
        spent = defaultdict(list)
        for row in rows:
            if str(row["endpoint"]) == name and row["charge_usd"] is not None:
                spent[f"{row['day']:%Y-%m-%d}"].append(row["charge_usd"])
        days = sorted(spent)
        figure.add_trace(
            go.Bar(
                x=days,
                y=[float(total(spent[day])) for day in days],
                name=plain(name),
                marker=fill(ink),
                hovertemplate="%{x|%Y-%m-%d} $%{y:,.4f}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title="day (UTC)", type="date", tickformat="%b %d\n%Y")
    if len({row["day"] for row in rows}) == 1:
        # One bar on an axis of time is drawn over hours that mean nothing.
        figure.update_xaxes(type="category")
    figure.update_yaxes(title="US$", tickprefix="$", rangemode="tozero")
    return figure.update_layout(barmode="stack")
