"""The page of an iteration's report: one HTML file that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

TO_HOME = "../" * 5  # from store/iteration_report/{config}/{iteration}/{version}/ to the home
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 980px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #ddd }
table { border-collapse: collapse } th { text-align: left; color: #666; font-weight: normal }
td, th { padding: .2em 1.4em .2em 0; border-bottom: 1px solid #eee; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% }
pre { background: #f6f6f6; padding: 1em; overflow: auto } .board { max-width: 420px }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd } td, th, h2 { border-color: #444 } th { color: #aaa }
  pre { background: #262626 } a { color: #8bf }
}
"""


def render(data: Mapping[str, Any], summary: str, pictures: Mapping[str, bytes], links: Mapping[str, str]) -> str:
    """The page for `data`, an iteration_report's; `summary` is its text block.

    `pictures` are SVG by title, `links` are paths relative to the home by title.
    """
    title = f"{data['config']}, iteration {data['iteration']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        _section("Verdicts", _table(data["verdicts"])),
        _section("Heuristic profile", _table([data["tuning"]]) + _table(data["proofs"])),
        _section("Network", _table([data["network"]])),
        _section("Matches", _table(data["matches"])),
        _section("Ratings", _table(data["leaderboard"])),
        *(_section(name, _picture(name, svg)) for name, svg in pictures.items()),
        _section("Selfplay", _table(data["jobs"])),
        _section("Training data", _table([data["training_data"]])),
        _section("Not played", _table(data["skipped"])) if data["skipped"] else "",
        _section("Summary", f"<pre>{escape(summary)}</pre>"),
        _section("Files", "<ul>" + "".join(_link(name, path) for name, path in links.items()) + "</ul>"),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>Nothing.</p>"
    head = "".join(_head(name, value) for name, value in rows[0].items())
    body = "".join("<tr>" + "".join(_cell(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _head(name: str, value: Any) -> str:
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<th{kind}>{escape(name.replace('_', ' '))}</th>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        decimals = 1 if isinstance(value, float) and abs(value) < 100 else 0  # a rating is not known to tenths
        return f'<td class="number">{value:,.{decimals}f}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _picture(name: str, svg: bytes) -> str:
    kind = ' class="board"' if "game" in name else ""
    return f'<img{kind} alt="{escape(name)}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}">'


def _link(name: str, path: str) -> str:
    return f'<li><a href="{TO_HOME}{escape(path)}">{escape(name)}</a></li>'
