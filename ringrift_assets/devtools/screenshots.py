"""Pictures of the web server's pages for the docs: python -m ringrift_assets.devtools.screenshots OUT_DIR

Uses the home's own runs (RINGRIFT_HOME, else ./var), so run an iteration first. Needs playwright (extra `dev`)
and a chromium: the one on the PATH, or RINGRIFT_CHROMIUM.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from resources.store.home import Home
from resources.store.partition_keys import parse_partition
from resources.store.store import Store
from ringrift import names
from ringrift.errors import MissingInput
from ringrift_assets.devtools.webserver import web_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM_VARIABLE = "RINGRIFT_CHROMIUM"
SIZE = {"width": 1440, "height": 900}
GRAPH_SIZE = {"width": 2600, "height": 1400}  # near enough to show the state of each asset, the whole graph fits
MOST_ZOOM = 6
PAGE_MS = 60_000
PICTURE = "the end of the longest game"
PAGES = ("lineage", "materialization", "board", "run_log", "report")


def take(folder: Path, home: Home | None = None) -> list[Path]:
    """Write PAGES as PNG files into `folder`; returns their paths.

    Raises MissingInput when there is nothing to show, no playwright or no chromium.
    """
    home = (home or Home()).prepare()
    shown = _newest_partition(home)
    folder.mkdir(parents=True, exist_ok=True)
    lineage, detail, board, log, report = paths = [folder / f"{name}.png" for name in PAGES]
    with web_server(home) as url, browser_page() as page:
        page.set_viewport_size(GRAPH_SIZE)  # type: ignore[arg-type]
        page.goto(f"{url}/assets/iteration_report?view=lineage&lineageScope=upstream&lineageDepth=9")
        page.get_by_text(names.TIER_ASSIGNMENT).first.wait_for(timeout=PAGE_MS)
        page.wait_for_timeout(3000)  # the graph moves to its place
        for _ in range(MOST_ZOOM):
            if page.get_by_text("Latest event").count():  # from too far, assets are drawn without their state
                break
            page.get_by_role("img", name="zoom_in").click()
            page.wait_for_timeout(1500)
        page.screenshot(path=lineage)
        page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        page.goto(f"{url}/assets/training_db?view=partitions&partition={shown}")
        page.get_by_alt_text(PICTURE).first.wait_for(timeout=PAGE_MS)
        page.wait_for_timeout(1000)
        page.screenshot(path=detail)
        page.get_by_text("[Show Markdown]").first.click()
        page.wait_for_timeout(1500)  # the dialog opens
        page.screenshot(path=board)
        page.goto(f"{url}/runs/{_run_of(home, shown)}")
        page.get_by_placeholder("Filter").first.fill("on local:")
        page.get_by_text("on local: done").first.wait_for(timeout=PAGE_MS)
        page.wait_for_timeout(1500)
        page.screenshot(path=log)
        page.goto(_report_of(home, shown).as_uri())
        page.screenshot(path=report, full_page=True)
    return paths


@contextmanager
def browser_page() -> "Iterator[Page]":
    """A page of a headless chromium. Raises MissingInput when playwright or chromium is not there."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingInput("playwright is not installed: pip install 'ringrift-assets[dev]'") from None
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get(CHROMIUM_VARIABLE) or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        raise MissingInput(f"no chromium found: apt-get install chromium, or set {CHROMIUM_VARIABLE}")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        finally:
            browser.close()


def _newest_partition(home: Home) -> str:
    """Key of the training set that was written last."""
    records = sorted(home.store.glob("training_db/*/*/partition.json"), key=lambda p: p.stat().st_mtime)
    if not records:
        raise MissingInput(f"{home.root} has no training set to show; run `ringrift run` first (make demo)")
    return f"{records[-1].parts[-3]}|{records[-1].parts[-2]}"


def _run_of(home: Home, partition: str) -> str:
    """The run that played the games of a partition."""
    record = Store(home.store).need(names.SELFPLAY_GAMES, *parse_partition(partition))
    return str(record.provenance["run"])


def _report_of(home: Home, partition: str) -> Path:
    """The report page of a partition's iteration. Raises MissingInput if it was not made."""
    config, iteration = parse_partition(partition)
    path = home.reports / config / f"iter{iteration:04d}.html"
    if not path.is_file():
        raise MissingInput(f"{path} is missing; `ringrift run -c {config} --start-iteration {iteration}` makes it")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ringrift_assets.devtools.screenshots OUT_DIR")
    for written in take(Path(sys.argv[1])):
        print(written)
