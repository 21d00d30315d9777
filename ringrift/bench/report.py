"""One format for every benchmark: rows to read, measures with bars to check, and the machine they ran on."""

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from ringrift.jobs.cores import usable_cores

PIPED_WIDTH = 160  # rich takes 80 columns for a pipe and would cut the tables
Row = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a benchmark. `bar` is the value to reach or, with `better="lower"`, not to exceed."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    better: Literal["higher", "lower"] = "higher"

    @property
    def met(self) -> bool:
        """True if there is no bar or the value reaches it; a value that is not a number never does."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar


def machine() -> dict[str, str | int | None]:
    """CPUs this process may use, CPU model, versions of Python, numba and torch (None if not installed)."""
    return {
        "cpus": usable_cores(),
        "model": _cpu_model(),
        "python": platform.python_version(),
        "numba": _version("numba"),
        "torch": _version("torch"),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)  # reads metadata only: importing torch takes seconds
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # no /proc on macOS
    return platform.processor() or platform.machine()


def report(bench: str, rows: Sequence[Row], measures: Sequence[Measure]) -> dict[str, Any]:
    """The JSON object of a benchmark: `bench`, `machine`, `rows` (one mapping a table line), `measures`."""
    return {
        "bench": bench,
        "machine": machine(),
        "rows": [dict(row) for row in rows],
        "measures": [asdict(measure) for measure in measures],
    }


def emit(result: Mapping[str, Any], as_json: bool) -> int:
    """Print a report as one JSON object or as tables; return the exit code, 1 if a bar is missed, else 0."""
    measures = [Measure(**measure) for measure in result["measures"]]
    if as_json:
        print(json.dumps(result))
    else:
        console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
        about = ", ".join(f"{key} {value}" for key, value in result["machine"].items() if value is not None)
        console.print(f"[bold]{result['bench']}[/bold]  ({about})")
        if result["rows"]:
            console.print(_row_table(result["rows"]))
        console.print(_measure_table(measures))
    return 0 if all(measure.met for measure in measures) else 1


def _row_table(rows: Sequence[Row]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=None)
    for name in names:
        numeric = any(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_shown(row.get(name)) for name in names))
    return table


def _measure_table(measures: Sequence[Measure]) -> Table:
    table = Table(box=None)
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("bar", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for measure in measures:
        sign = "≥" if measure.better == "higher" else "≤"
        bar = "" if measure.bar is None else f"{sign} {_shown(measure.bar)}"
        verdict = "" if measure.bar is None else "[green]met[/green]" if measure.met else "[red]missed[/red]"
        table.add_row(measure.name, _shown(measure.value), measure.unit, bar, verdict)
    return table


def _shown(value: str | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value
