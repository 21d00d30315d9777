"""What a person sees in the terminal: progress while jobs run, tables at the end."""

import sys
import threading
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from resources.runner.events import JobEvent
from resources.store.contents.games import SelfplayContent, TrainingContent
from resources.store.contents.matches import MatchesContent, RatingsContent
from resources.store.contents.models import TrainingOutcome
from resources.store.contents.profiles import SearchContent
from resources.store.contents.verdicts import VerdictsContent
from ringrift import names
from ringrift.errors import printable, printable_lines
from ringrift_assets.assets.iteration_report import network_row
from ringrift_assets.runs.iteration import PartitionOutcome
from ringrift_assets.steps.proofs import proof_rows
from ringrift_assets.steps.tournament import match_rows

RATINGS_SHOWN = 5
PIPED_WIDTH = 160


class JobProgress:
    """One bar for each asset and config, fed with the events of all its jobs. Use as a context manager."""

    def __init__(self, console: Console):
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._lock = threading.Lock()
        self._tasks: dict[str, object] = {}
        self._done: dict[str, dict[str, int]] = {}
        self._total: dict[str, dict[str, int]] = {}
        self._running: dict[str, set[str]] = {}

    def __enter__(self) -> "JobProgress":
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def __call__(self, event: JobEvent) -> None:
        """Hear an event, from any thread; jobs are told apart by their id, bars by its first three parts."""
        with self._lock:
            self._hear(event)

    def _hear(self, event: JobEvent) -> None:
        asset, config, iteration = event.job.split("-")[:3]
        name = f"{asset} {config}|{iteration}"
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None, state="")
        totals, done = self._total.setdefault(name, {}), self._done.setdefault(name, {})
        running = self._running.setdefault(name, set())
        if event.kind == "queued":
            totals[event.job] = event.total
        elif event.kind in ("started", "attached"):
            running.add(event.job)
        elif event.kind == "progress":
            done[event.job], totals[event.job] = event.done, event.total
        elif event.kind == "done":
            done[event.job] = totals.get(event.job, 0)
        if event.kind in ("done", "failed", "lost", "cancelled"):
            running.discard(event.job)
        if event.kind in ("failed", "lost"):
            text = printable(f"{event.job} on {event.host}: {event.kind}. {event.text}")  # a host's words
            self._bars.console.print(text, markup=False)
        self._bars.update(
            self._tasks[name],  # type: ignore[arg-type]
            completed=sum(done.values()),
            total=sum(totals.values()) or None,
            state=f"{len(running)} of {len(totals)} jobs at work",
        )


def output() -> Console:
    """The console for results on stdout; a pipe gets wide tables, for rich would cut them at 80 columns."""
    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)


def print_outcomes(console: Console, outcomes: Sequence[PartitionOutcome]) -> None:
    """The tables of an iteration, its digests, then what needs a person's attention."""
    for asset, view in (
        (names.SELFPLAY_GAMES, _jobs_table),
        (names.TRAINING_DB, _summary_table),
        (names.CMAES_PROFILE, _tuning_table),
        (names.TRAINED_MODEL, _networks_table),
        (names.TOURNAMENT_GAMES, _matches_table),
        (names.ELO_RATINGS, _ratings_table),
        (names.TIER_ASSIGNMENT, _verdicts_table),
    ):
        if any(asset in outcome.records for outcome in outcomes):
            console.print(view(outcomes))
    for outcome in outcomes:
        name = f"{outcome.config}|{outcome.iteration:04d}"
        if training := outcome.records.get(names.TRAINING_DB):
            state = "up to date" if outcome.reused[names.TRAINING_DB] else "made now"
            console.print(f"{name} content digest {training.content_digest[:16]}, {state}", highlight=False)
        for check in outcome.checks:
            if not check["passed"]:
                text = f"{name} {check['severity']} {check['asset']}.{check['check']}: {check['description']}"
                console.print(printable_lines(text), style="yellow", markup=False)
        for what, reason in _skipped(outcome):
            console.print(f"{name} skipped {what}: {reason}", style="dim", markup=False)
        if outcome.error:
            console.print(printable_lines(f"{name} failed. {outcome.error}"), style="red", markup=False)


def _skipped(outcome: PartitionOutcome) -> list[tuple[str, str]]:
    """Jobs and matches that were not played, with the reason."""
    found: list[tuple[str, str]] = []
    if games := outcome.content(SelfplayContent):
        found += [(entry.job, entry.reason) for entry in games.skipped]
    if matches := outcome.content(MatchesContent):
        found += [(entry.match, entry.reason) for entry in matches.skipped]
    return found


def _jobs_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Selfplay games")
    table.add_column("job", no_wrap=True)
    for name in ("games", "unique", "capped", "decisions", "seconds"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        content = outcome.content(SelfplayContent)
        for job in content.jobs if content else []:
            seconds = outcome.records[names.SELFPLAY_GAMES].provenance["job_seconds"][job.job]
            games = f"{job.games:,}" + (f" of {job.planned:,}" if job.games < job.planned else "")
            counts = [f"{number:,}" for number in (job.unique, job.capped, job.decisions)]
            table.add_row(job.job, games, *counts, f"{seconds:.1f}")
    return table


def _summary_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Training data")
    table.add_column("partition", no_wrap=True)
    for name in ("played", "games/s", "rejected", "duplicates", "kept", "time"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        played, training = outcome.records.get(names.SELFPLAY_GAMES), outcome.content(TrainingContent)
        now = 0 if played is None or outcome.reused[names.SELFPLAY_GAMES] else played.provenance["played"]
        rejected = dict(training.rejected) if training else {}
        duplicates = rejected.pop("duplicate", 0)
        table.add_row(
            f"{outcome.config}|{outcome.iteration:04d}",
            f"{now:,}",
            f"{played.provenance['games_per_s']:,.1f}" if played and now else "-",
            f"{sum(rejected.values()):,}",
            f"{duplicates:,}",
            f"{training.games:,}" if training else "-",
            f"{outcome.wall_s:.1f} s",
        )
    return table


def _tuning_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Heuristic profiles: candidates at the gate")
    for name in ("partition", "candidate", "fitness", "outcome"):
        table.add_column(name)
    for name in ("games", "score", "elo", "95 % interval"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        content = outcome.content(SearchContent)
        for row in proof_rows(content.proofs) if content else []:
            shown = [str(row[name]) for name in ("candidate", "fitness", "outcome", "games", "score", "elo")]
            table.add_row(f"{outcome.config}|{outcome.iteration:04d}", *shown, str(row["95 % interval"]))
    return table


def _networks_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Networks")
    for name in ("partition", "model", "parent"):
        table.add_column(name, no_wrap=True)
    for name in ("games", "rows", "loss", "best move found"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        if content := outcome.content(TrainingOutcome):
            row = network_row(content)
            counts = [f"{row[name]:,}" if name in row else "-" for name in ("games", "rows")]
            parent, *figures = [str(row.get(name, "-")) for name in ("parent", "loss", "best move found")]
            table.add_row(f"{outcome.config}|{outcome.iteration:04d}", str(row["model"]), parent, *counts, *figures)
    return table


def _matches_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Matches")
    for name in ("partition", "match", "players"):
        table.add_column(name, no_wrap=name != "players")
    table.add_column("games", justify="right")
    table.add_column("score", justify="right")
    table.add_column("verdict")
    for outcome in outcomes:
        content = outcome.content(MatchesContent)
        for row in match_rows(content) if content else []:
            match, players, score, verdict = (
                str(row[name]) for name in ("match", "players", "score of the first", "verdict")
            )
            partition = f"{outcome.config}|{outcome.iteration:04d}"
            table.add_row(partition, match, players, f"{row['games']:,}", score, verdict)
    return table


def _ratings_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title=f"Ratings: the best {RATINGS_SHOWN} of each config")
    for name in ("partition", "participant"):
        table.add_column(name, no_wrap=True)
    for name in ("rating", "95 % interval", "LOS", "games", "Elo"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        content = outcome.content(RatingsContent)
        for row in content.ratings[:RATINGS_SHOWN] if content else []:
            los = "" if row.los is None else f"{row.los:.1%}"
            figures = (f"{row.rating:.0f}", f"{row.low:.0f} to {row.high:.0f}", los, f"{row.games:,}", f"{row.elo:.0f}")
            table.add_row(f"{outcome.config}|{outcome.iteration:04d}", row.name, *figures)
    return table


def _verdicts_table(outcomes: Sequence[PartitionOutcome]) -> Table:
    table = Table(title="Current from the next iteration on")
    for name in ("partition", "tier", "champion", "profile", "why the tier"):
        table.add_column(name)
    for outcome in outcomes:
        if content := outcome.content(VerdictsContent):
            current = (content.tier, content.champion or "none yet", content.profile)
            table.add_row(f"{outcome.config}|{outcome.iteration:04d}", *current, content.verdicts.tier.reason)
    return table
