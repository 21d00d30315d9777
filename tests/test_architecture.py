"""The layout: docs/architecture.md names each file, each module has its test, no text names a module that is gone."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ringrift", "resources", "sensors", "ringrift_assets")
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:\.[a-z]\w*)+")
LINES, KERNEL_LINES = 300, 400
NO_MODULES = ("ringrift.game_set", "ringrift.code_layout", "ringrift.players.caller")  # file metadata; made in a test

COVERED = {  # modules without a test file of their own name, by the test file that covers them
    "tests/faults/test_chaos.py": "ringrift_assets.bench.chaos ringrift_assets.devtools.kills",
    "tests/faults/test_ssh.py": "resources.runner.watched resources.ssh.agent_client",
    "tests/resources/hosts/test_file.py": "resources.hosts.host",
    "tests/resources/models/test_registry.py": "resources.models.model",
    "tests/resources/runner/test_reaper.py": "resources.runner.index",
    "tests/resources/runner/test_runner.py": """
        resources.runner.events resources.transports.base resources.transports.local
        ringrift.jobs.folder ringrift.jobs.view
    """,
    "tests/resources/ssh/test_connection.py": "resources.ssh.faults resources.ssh.opening",
    "tests/resources/ssh/test_transport.py": "ringrift.jobs.agent",
    "tests/resources/store/test_store.py": "resources.store.locks",
    "tests/resources/views/test_state.py": "resources.views.profiles resources.views.status",
    "tests/ringrift/bench/test_gate.py": "ringrift.cli.gate ringrift.bench.report",
    "tests/ringrift/bench/test_memory.py": "ringrift.jobs.contract",
    "tests/ringrift/cli/test_games.py": "ringrift.gamesets.find",
    "tests/ringrift/cli/test_tune.py": "ringrift.cli.local_tuning ringrift.cli.options ringrift.plots.cmaes",
    "tests/ringrift/gamesets/test_dedup.py": "ringrift.gamesets.schema",
    "tests/ringrift/jobs/test_worker.py": "ringrift.kinds.noop",
    "tests/ringrift/kinds/test_cmaes.py": "ringrift.tuning.tables ringrift.specs.cmaes",
    "tests/ringrift/kinds/test_prove.py": "ringrift.specs.prove",
    "tests/ringrift/kinds/test_rate.py": "ringrift.specs.store_jobs",
    "tests/ringrift/kinds/test_round_robin.py": "ringrift.specs.round_robin",
    "tests/ringrift/kinds/test_selfplay.py": """
        ringrift.specs.selfplay ringrift.matches.shards
    """,
    "tests/ringrift/kinds/test_tournament.py": "ringrift.specs.match ringrift.matches.blocks",
    "tests/ringrift/kinds/test_train.py": "ringrift.specs.train ringrift.plots.losses ringrift.plots.axes",
    "tests/ringrift/matches/test_openings.py": "ringrift.specs.openings ringrift.players.heuristic.appraise",
    "tests/ringrift/network/gumbel/test_search.py": """
        ringrift.network.gumbel.halving ringrift.network.gumbel.memory ringrift.network.gumbel.scores
        ringrift.network.gumbel.targets
    """,
    "tests/ringrift/network/test_encoding.py": """
        ringrift.network.encode_moves ringrift.network.encoder ringrift.network.layout
    """,
    "tests/ringrift/network/test_lockstep.py": "ringrift.matches.models ringrift.matches.play",
    "tests/ringrift/network/test_model.py": "ringrift.network.tensors",
    "tests/ringrift/network/training/test_loop.py": """
        ringrift.network.training.losses ringrift.network.training.policy_value ringrift.network.training.task
    """,
    "tests/ringrift/network/value/test_training.py": """
        ringrift.network.value.files ringrift.network.value.model ringrift.network.value.rows
    """,
    "tests/ringrift/planning/test_matches.py": "ringrift.planning.entrants ringrift.planning.jobs",
    "tests/ringrift/planning/test_pipeline_keys.py": "ringrift.planning.retry ringrift.planning.running",
    "tests/ringrift/play/test_series.py": "ringrift.matches.plan",
    "tests/ringrift/players/heuristic/test_features.py": """
        ringrift.players.heuristic.counts ringrift.players.heuristic.greedy_turn
    """,
    "tests/ringrift/players/search/test_search.py": """
        ringrift.players.ladder ringrift.matches.decide ringrift.players.search.clock
        ringrift.players.search.descent ringrift.players.search.leaf_values ringrift.players.search.mcts
        ringrift.players.search.minimax ringrift.players.search.minimax_memory ringrift.players.search.targets
        ringrift.players.search.tree ringrift.players.search.uniform
    """,
    "tests/ringrift/players/test_engines.py": "ringrift.players.choice",
    "tests/ringrift/players/test_match.py": "ringrift.players.seats",
    "tests/ringrift/rules/test_game.py": "ringrift.rules.move_json",
    "tests/ringrift/rules/test_properties.py": "ringrift.rules.advance ringrift.rules.geometry ringrift.seeds",
    "tests/ringrift/rules/test_vectors.py": """
        ringrift.rules.lines ringrift.rules.placement ringrift.rules.recovery ringrift.rules.territory
        ringrift.rules.turn ringrift.rules.victory
    """,
    "tests/ringrift/specs/test_kinds.py": """
        ringrift.jobs.inputs ringrift.planning.tuning ringrift.specs.noop ringrift.specs.params
        ringrift.specs.participants
    """,
    "tests/ringrift/stats/test_sprt.py": "ringrift.planning.gate",
    "tests/ringrift_assets/assets/test_tier_assignment.py": "ringrift_assets.steps.verdicts",
    "tests/ringrift_assets/assets/test_training_db.py": "ringrift.kinds.verify",
    "tests/ringrift_assets/assets/test_iteration_report.py": "ringrift_assets.steps.report_html",
    "tests/ringrift_assets/assets/test_selfplay_games.py": """
        ringrift_assets.steps.checks ringrift_assets.steps.jobs ringrift_assets.steps.metadata
    """,
    "tests/ringrift_assets/assets/test_tournament_games.py": """
        ringrift_assets.steps.match_results ringrift_assets.steps.tournament
    """,
    "tests/ringrift_assets/assets/test_trained_model.py": """
        resources.models.certificate
        resources.models.lineage ringrift_assets.steps.incumbents ringrift_assets.steps.proofs
    """,
    "tests/ringrift_assets/cli/test_hosts.py": "resources.ssh.bootstrap",
    "tests/ringrift_assets/cli/test_run.py": "ringrift_assets.cli.verbs",
    "tests/ringrift_assets/runs/test_dry_run.py": "ringrift_assets.runs.plan_rows ringrift_assets.runs.plan_text",
    "tests/ringrift_assets/runs/test_iteration.py": """
        ringrift_assets.runs.display ringrift_assets.runs.parity resources.views.logs
    """,
    "tests/ringrift_assets/test_definitions.py": "sensors.schedules resources.profile_sync",
    "tests/ui/test_live_fleet.py": "ringrift_assets.devtools.sshd ringrift_assets.devtools.webserver",
    "tests/ui/test_web_server.py": "ringrift_assets.devtools.screenshots ringrift_assets.web.server",
}
COVERED_FOLDERS = {"resources.store.contents": "tests/resources/views/test_state.py"}  # pure data: one view an asset
BY_HAND = """
    ringrift.bench.engine ringrift.bench.players ringrift.cli.bench ringrift.cli.warmup
    ringrift.gamesets.random_games ringrift.progress ringrift_assets.cli.bench ringrift_assets.devtools.openssh
"""  # benchmarks, what only they use, and what only shows progress: a person runs them and looks
LOADED_BY_NAME = {"ringrift.kinds": "ringrift.jobs.worker", "ringrift_assets.assets": "ringrift_assets.definitions"}
ACROSS = """
    tests/faults/test_chaos.py tests/faults/test_launchers.py tests/faults/test_ssh.py
    tests/ringrift/planning/test_pipeline_keys.py tests/ringrift/players/search/test_search.py
    tests/ringrift/players/test_brute_force.py tests/ringrift/players/test_legal.py
    tests/ringrift/players/test_tactics.py tests/ringrift/rules/test_properties.py
    tests/ringrift_assets/assets/test_faults.py tests/ringrift_assets/assets/test_fleet.py
    tests/ringrift_assets/runs/test_instances.py tests/ringrift_assets/runs/test_terminal.py tests/test_architecture.py
    tests/test_secrets.py
    tests/ringrift_assets/test_extending.py tests/ringrift/test_public_names.py
    tests/ui/test_live.py tests/ui/test_live_fleet.py tests/ui/test_live_retraining.py tests/ui/test_web_server.py
"""  # tests of what several modules do together


def dotted(path: Path) -> str:
    """The module a file is, `ringrift.rules.game`; a folder's `__init__.py` is the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}
MODULES = [name for name, path in FILES.items() if path.name not in ("__init__.py", "__main__.py")]


def own_test(module: str) -> str:
    folder, _, name = module.rpartition(".")
    return f"tests/{folder.replace('.', '/')}/test_{name}.py"


@cache
def named(path: Path) -> frozenset[str]:
    """The modules that a Python file imports or names in a string."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(DOTTED.findall(node.value))
    if "ringrift.cli" in found:
        found.add("ringrift.cli.__main__")
    by_name = [package for package, loader in LOADED_BY_NAME.items() if {package, loader} & found]
    return frozenset(found.union(*(own_modules(package) for package in by_name)))


def own_modules(package: str) -> set[str]:
    """The modules that stand directly in a package."""
    return {name for name in MODULES if name.rpartition(".")[0] == package}


def reached(path: Path) -> set[str]:
    """The modules of the packages that a test file uses, directly or through others."""
    helpers = [file for file in (ROOT / "tests").rglob("*.py") if dotted(file) in named(path)]
    conftests = [folder / "conftest.py" for folder in path.parents if (folder / "conftest.py").is_file()]
    todo = [name for file in [path, *helpers, *conftests] for name in named(file)]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in FILES and name not in seen:
            seen.add(name)
            todo += named(FILES[name])
    return seen


def test_every_module_has_the_test_of_its_name_or_a_row_that_says_which_test_covers_it():
    rows = [name for names in COVERED.values() for name in names.split()]
    excused = [*rows, *BY_HAND.split()]
    missing = [
        module
        for module in MODULES
        if not (ROOT / own_test(module)).is_file()
        and module not in excused
        and module.rpartition(".")[0] not in COVERED_FOLDERS
    ]
    assert not missing, "write a test file of the module's name, or name the test that covers it in COVERED"
    superfluous = [name for name in excused if name not in MODULES or (ROOT / own_test(name)).is_file()]
    assert not superfluous, "these rows are of no use any more"
    assert len(excused) == len(set(excused))


@pytest.mark.parametrize("test", sorted(COVERED))
def test_a_test_that_is_to_cover_a_module_uses_it(test: str):
    unused = set(COVERED[test].split()) - reached(ROOT / test)
    assert not unused


def test_every_test_file_is_named_after_a_module_or_listed():
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    assert files - {own_test(module) for module in MODULES} == set(ACROSS.split())


def texts() -> Iterator[Path]:
    """Every file of ours in which a module may be named."""
    for folder in (*PACKAGES, "tests", "docs", "config"):
        files = (path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".yaml", ".html"))
        yield from (path for path in files if path.name != "extending.md")  # its modules are the reader's to write
    yield from (ROOT / name for name in ("README.md", "Makefile", "pyproject.toml", "workspace.yaml"))


def exists(name: str) -> bool:
    """True if a dotted name is a module, or something that stands in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = FILES.get(".".join(parts[:end]))
        if path is not None:
            return end == len(parts) or re.search(rf"\b{re.escape(parts[end])}\b", path.read_text()) is not None
    return False


def test_no_text_names_a_module_that_is_not_there():
    lost = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in texts()
        for name in DOTTED.findall(path.read_text())
        if not exists(name) and name not in NO_MODULES
    }
    assert not lost


def tree() -> set[str]:
    """The files that section 2 of the architecture page names, as paths from the root."""
    page = (ROOT / "docs/architecture.md").read_text()
    section = page[page.index("\n## 2.") : page.index("\n## 3.")]
    found, folders = set(), [""]
    for line in section.splitlines():
        match = re.match(r"( *)([\w/]+/|\w+\.py) ", f"{line} ")
        if match is None:
            continue
        depth, entry = len(match[1]) // 2, match[2]
        parent = "".join(folders[1 : depth + 1])
        if entry.endswith("/"):
            folders[depth + 1 :] = [entry]
        elif parent.split("/")[0] in PACKAGES:
            found.add(parent + entry)
    return found


def test_the_architecture_page_names_every_file_of_the_packages_and_no_other():
    there = {FILES[module].relative_to(ROOT).as_posix() for module in MODULES}
    lost, unnamed = tree() - there, there - tree()
    assert not lost and not unnamed


def test_files_stay_short():
    long = {}
    for path in FILES.values():
        text = path.read_text()
        kernels = re.search("^@(kernel|entry)$", text, re.MULTILINE)
        told = "longer than 300 lines" in " ".join((ast.get_docstring(ast.parse(text)) or "").split()).lower()
        if len(text.splitlines()) > (KERNEL_LINES if kernels and told else LINES):
            long[path.relative_to(ROOT).as_posix()] = len(text.splitlines())
    assert not long
