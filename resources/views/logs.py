"""Log folders and reports of the home, written from the store."""

import re
import shutil
from pathlib import Path

from resources.store.home import Home
from resources.store.record import Record
from resources.store.store import Store
from ringrift import names
from ringrift.files import atomic_path, write_text


def write_tournament_log(home: Home, record: Record) -> Path:
    """The match games of a partition as JSON lines, in logs/tournaments/iter{N}/; returns the file."""
    target = home.logs / "tournaments" / f"iter{record.iteration}" / f"{record.config}.jsonl"
    return _copy(Store(home.store).path(record, names.GAMES_LOG), target, record.files[names.GAMES_LOG].bytes)


def write_cmaes_log(home: Home, record: Record) -> Path:
    """The generations of a partition's searches as JSON lines and their plot, in logs/cmaes/iter{N}/; the former."""
    store, folder = Store(home.store), home.logs / "cmaes" / f"iter{record.iteration}"
    plot = names.CONVERGENCE_PLOT
    _copy(store.path(record, plot), folder / f"{record.config}.svg", record.files[plot].bytes)
    name = names.GENERATIONS_FILE
    return _copy(store.path(record, name), folder / f"{record.config}.jsonl", record.files[name].bytes)


def write_report(home: Home, record: Record) -> Path:
    """The page of a report in reports/{config}/, with links that work from there; returns the file."""
    target = home.reports / record.config / f"iter{record.iteration:04d}.html"
    page = Store(home.store).path(record, names.REPORT_PAGE).read_text(encoding="utf-8")
    text = re.sub(r'href="(\.\./){5}', 'href="../../', page)  # from the partition's folder to the home
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write_text(target, text)
    return target


def _copy(source: Path, target: Path, size: int) -> Path:
    newer = target.is_file() and target.stat().st_mtime >= source.stat().st_mtime
    if not newer or target.stat().st_size != size:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    return target
