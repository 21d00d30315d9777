"""What a person sees in the web server after a run: the graph, the numbers, the picture."""

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.store.home import Home
from ringrift.errors import MissingInput
from ringrift_assets.devtools.screenshots import PAGES, browser_page, take
from ringrift_assets.devtools.webserver import query, web_server
from ringrift_assets.runs.iteration import run_iteration

pytestmark = [pytest.mark.ui, pytest.mark.slow]

PIPELINE = """
configs: [hex8_2p]
selfplay:
  min_games: 1
  jobs:
    - {name: hex8_2p_random, config: hex8_2p, engine: random-only, games: 8}
    - {name: hex8_2p_nn, config: hex8_2p, engine: nn-only, games: 8}
search: {decision_ms: 0.5}
cmaes: {population: 4, games_per_evaluation: 2, generations: {hex8_2p: 2}, replicas: 1, proofs: 1, panel: []}
evaluation:
  anchor_blocks: 1
  matchups:
    - {first: Heuristic_D2, second: Heuristic_D5, config: hex8_2p, games: 4}
training: {min_games: {hex8_2p: 1000}}
gate: {min_blocks: 2, max_blocks: 4}
tiers: {ladder: [D2]}  # at the top, so that no tier match is played
polling: {first_s: 0.1, interval_s: 0.3}
"""
STATE = """{ assetNodes(pipeline: {pipelineName: "collect", repositoryName: "__repository__",
    repositoryLocationName: "ringrift"}) {
  assetKey { path } partitionStats { numMaterialized numPartitions }
  assetMaterializations(limit: 1) { partition metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } } } }"""

needs_browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="no chromium is installed"
)


@pytest.fixture(scope="module")
def shown_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one small finished iteration of hex8_2p."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    home = Home(folder / "home").prepare()
    [outcome] = run_iteration(["hex8_2p"], 0, folder / "pipeline.yaml", home)
    assert outcome.ok
    return home


@pytest.fixture(scope="module")
def url(shown_home: Home) -> Iterator[str]:
    with web_server(shown_home) as url:
        yield url


def test_the_server_listens_on_this_machine_only_and_shows_the_materialized_partition(url):
    assert url.startswith("http://127.0.0.1:")
    nodes = {node["assetKey"]["path"][0]: node for node in query(url, STATE)["assetNodes"]}
    assert set(nodes) == {"incumbent", "selfplay_games", "training_db"}
    for node in nodes.values():
        assert node["partitionStats"]["numMaterialized"] == 1
        assert node["assetMaterializations"][0]["partition"] == "hex8_2p|0000"
    entries = nodes["training_db"]["assetMaterializations"][0]["metadataEntries"]
    [small] = [entry["mdStr"] for entry in entries if entry["label"] == "end_of_longest_game"]
    assert small.startswith("![") and len(small) < 1000, "longer markdown would not be shown at once"


def test_a_page_of_another_site_is_refused_and_a_query_by_get_too(url):
    request = urllib.request.Request(
        f"{url}/graphql",
        b'{"query": "{ version }"}',
        {"Content-Type": "application/json", "Origin": "http://evil.example"},
    )
    for asked, status in ((request, 403), (f"{url}/graphql?query=%7B+version+%7D", 405)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=30)
        assert refused.value.code == status


@needs_browser
def test_the_board_picture_is_drawn_on_the_partitions_page(url):
    with browser_page() as page:
        page.goto(f"{url}/assets/training_db?view=partitions&partition=hex8_2p|0000")
        picture = page.get_by_alt_text("the end of the longest game").first
        picture.wait_for(timeout=60_000)
        assert picture.evaluate("image => image.complete && image.naturalWidth") >= 64
        assert page.get_by_text("games_upto_here").first.is_visible()


@needs_browser
def test_screenshots_are_written_for_the_docs(shown_home, tmp_path):
    paths = take(tmp_path / "shots", shown_home)
    assert [path.stem for path in paths] == list(PAGES)
    assert all(path.stat().st_size > 20_000 for path in paths)


def test_an_empty_home_has_nothing_to_show(tmp_path: Path):
    with pytest.raises(MissingInput, match="ringrift run"):
        take(tmp_path / "shots", Home(tmp_path / "home"))
