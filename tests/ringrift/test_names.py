"""Names of assets and of the files in their partitions stand in one module."""

import ast
from pathlib import Path

from ringrift import names

ROOT = Path(__file__).parents[2]
PACKAGES = ("ringrift", "resources", "sensors", "ringrift_assets")
VALUES = {value for name, value in vars(names).items() if name.isupper()}
OTHER_MEANINGS = {
    ("resources/views/state.py", "elo_ratings"),  # a key of the documented state file
    ("resources/views/status.py", "selfplay_games"),  # a key of `ringrift status --json`
    ("ringrift_assets/cli/status.py", "selfplay_games"),
    ("ringrift_assets/assets/iteration_report.py", "selfplay_games"),  # metadata shown in the UI
    ("ringrift_assets/assets/cmaes_profile.py", "incumbent"),  # a field of its content
    ("ringrift_assets/assets/heuristic_profiles.py", "incumbent"),  # where a profile comes from
    ("ringrift/tuning/tables.py", "incumbent"),  # a field of a search's parameters
    ("ringrift/players/heuristic/profiles.py", names.PROFILES_FILE),  # the documented file, in the key of the cache
}


def literals(path: Path) -> set[str | int]:
    """The strings and numbers of a module, docstrings and parts of f-strings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts)
    return {node.value for node in constants if type(node.value) in (str, int)}


def test_no_asset_partition_file_or_last_iteration_is_spelt_out_elsewhere():
    found = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name != "ringrift/names.py":
            found |= {(name, value) for value in literals(path) & VALUES}
    assert found == OTHER_MEANINGS


def test_values_are_names_and_not_given_twice():
    values = [value for name, value in vars(names).items() if name.isupper()]
    assert len(values) == len(set(values)) and names.gate_file("tier") == "gate-tier.json"
