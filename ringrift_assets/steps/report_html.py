"""The page of an iteration's report: one HTML file that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from resources.store.contents.operations import Progress, ReportContent
from resources.views.text import elo_text
from ringrift_assets.steps.progress import cost_rows, point_rows

TO_HOME = "../" * 5  # from store/iteration_report/{config}/{iteration}/{version}/ to the home
PROGRESS_PICTURE = "Elo over the frozen anchor by iteration"
GAIN_TEXT = (
    "The newest player (the candidate where there is one) against the pipeline's search with the default heuristic, at "
    "equal CPU time a decision. An iteration gains what its promoted candidate has over the champion before it, or "
    "over the anchor before the first; nothing without a promotion."
)
COST_TEXT = (
    "CPU seconds of the jobs of each phase, as the partitions record them: of one that was made in several goes or "
    "made again, the last. The last column is the Elo gained in this iteration for a core-hour."
)
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


def render(content: ReportContent, summary: str, pictures: Mapping[str, bytes], links: Mapping[str, str]) -> str:
    """The page for an iteration_report's content; `summary` is its text block.

    `pictures` are SVG by title, `links` are paths relative to the home by title.
    """
    title = f"{content.config}, iteration {content.iteration}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        _section("Verdicts", _table(content.verdicts)),
        *(_progress(content.iteration, content.progress, pictures) if content.progress else []),
        _section("Heuristic profile", _table([content.tuning]) + _table(content.proofs)),
        _section("Network", _table([content.network])),
        _section("Matches", _table(content.matches)),
        _section("Ratings", _table(content.leaderboard)),
        *(_section(name, _picture(name, svg)) for name, svg in pictures.items() if name != PROGRESS_PICTURE),
        _section("Selfplay", _table(content.jobs)),
        _section("Training data", _table([content.training_data])),
        _section("Not played", _table(content.skipped)) if content.skipped else "",
        _section("Summary", f"<pre>{escape(summary)}</pre>"),
        _section("Files", "<ul>" + "".join(_link(name, path) for name, path in links.items()) + "</ul>"),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _progress(iteration: int, progress: Progress, pictures: Mapping[str, bytes]) -> list[str]:
    """Elo over the anchor, what the CPU time bought, and where the next hour is best spent."""
    latest = next((elo_text(point) for point in progress.points if point.iteration == iteration), elo_text(None))
    curve = _picture(PROGRESS_PICTURE, pictures[PROGRESS_PICTURE]) if PROGRESS_PICTURE in pictures else ""
    return [
        _section(
            PROGRESS_PICTURE,
            f"<p>This iteration's newest player: {latest}. Gained: {elo_text(progress.gain)}.</p>"
            f"{curve}<p>{GAIN_TEXT}</p>" + _table(point_rows(progress)),
        ),
        _section("What the CPU time bought", f"<p>{COST_TEXT}</p>{_table(cost_rows(progress))}"),
        _section(
            "Where the next hour is best spent",
            f"<p>{escape(progress.advice.sentence)}</p><p>Because {escape(progress.advice.rule)}. Derived from:</p><ul>"
            + "".join(f"<li>{escape(fact)}</li>" for fact in progress.advice.facts)
            + "</ul>",
        ),
    ]


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
