"""`ringrift models` reads the store without anything heavy."""

import subprocess
import sys

from resources.store.home import REPOSITORY
from tests.resources.model_makers import put_model, put_ratings


def test_the_command_reads_the_store_without_anything_heavy(store, home):
    weights = put_model(store, 0, seed=1)
    put_ratings(store, 0, {weights: 1234.0})
    code = """
import json, sys
from typer import Typer
from typer.testing import CliRunner
from ringrift_assets.cli import models as cli_models
app = Typer()
cli_models.register(app)
def run(*arguments):
    result = CliRunner().invoke(app, ["models", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
assert [m["model_id"] for m in json.loads(run("list", "--json"))["models"]] == ["square8_2p_iter0"]
assert "square8_2p_iter0" in run("list") and "metrics.loss" in run("show", "square8_2p_iter0")
assert json.loads(run("show", "square8_2p_iter0", "--json"))["rating"] == 1234.0
assert "rating 1234" in run("best", "square8_2p")
assert json.loads(run("deprecate", "square8_2p_iter0", "--reason", "old", "--json"))["status"] == "deprecated"
assert json.loads(run("best", "square8_2p", "--json")) == {"model": None}
assert "trained elsewhere" not in run("list")
print([name for name in ("dagster", "torch", "numba", "pyarrow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
