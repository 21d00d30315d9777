"""The calibration of the gate as a benchmark: rows, measures and bars."""

import json

import pytest
from typer.testing import CliRunner

from ringrift.bench import gate as gate_calibration
from ringrift.bench.gate import ELOS, STEPS, TABLES, calibrate
from ringrift.cli.gate import gate_app
from ringrift.stats.simulation import MODELS

BARS = {
    "aa_promotion_rate": (0.06, "lower"),
    "plus70_promotion_rate": (0.95, "higher"),
    "minus35_promotion_rate": (0.005, "lower"),
    "coverage_2p": (0.93, "higher"),
    "coverage_2p_at_most": (0.97, "lower"),
    "coverage_3p": (0.93, "higher"),
    "coverage_3p_at_most": (0.97, "lower"),
    "coverage_4p": (0.93, "higher"),
    "coverage_4p_at_most": (0.97, "lower"),
    "best_of_8_found": (0.90, "higher"),
}


FEW = MODELS[:2]


@pytest.fixture(scope="module", autouse=True)
def few_models():
    """Two of the five models, but where the bars are looked at: the true ratings under each take seconds to find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_calibration, "MODELS", FEW)
        yield


@pytest.fixture(scope="module")
def small(few_models):
    steps = []
    return calibrate(20, 8, 8, step=steps.append), steps


def test_report_has_rows_and_the_documented_measures_with_their_bars(small):
    report, steps = small
    assert len(steps) == STEPS - len(MODELS) + len(FEW)
    measures = {measure["name"]: measure for measure in report["measures"]}
    assert {name: (m["bar"], m["better"]) for name, m in measures.items() if m["bar"] is not None} == BARS
    assert {f"{name}_mean_games" for name in ELOS} <= measures.keys()
    assert {"plus35_promotion_rate", "best_of_8_found_by_sequential_elo"} <= measures.keys()
    gates = [row for row in report["rows"] if row["test"].startswith("gate")]
    assert len(gates) == len(FEW) * len(TABLES) * len(ELOS)
    assert measures["aa_promotion_rate"]["value"] == max(r["promoted"] for r in gates if r["test"] == "gate +0 Elo")
    assert measures["plus70_promotion_rate"]["value"] == min(
        r["promoted"] for r in gates if r["test"] == "gate +70 Elo"
    )
    for row in gates:
        assert row["promoted"] + row["rejected"] + row["inconclusive"] == pytest.approx(1)


def test_figures_repeat_to_the_last_bit(small):
    assert calibrate(20, 8, 8) == small[0]


def test_the_command_prints_one_object_and_exits_by_the_bars(monkeypatch, small):
    report = small[0]
    monkeypatch.setattr(gate_calibration, "calibrate", lambda gates, step: {**report, "gates": gates})
    met = all(m["value"] >= m["bar"] if m["better"] == "higher" else m["value"] <= m["bar"]
              for m in report["measures"] if m["bar"] is not None)  # fmt: skip
    shown = CliRunner().invoke(gate_app, ["calibrate", "--json", "--gates", "20"])
    assert json.loads(shown.stdout)["gates"] == 20
    assert shown.exit_code == (0 if met else 1)


@pytest.mark.slow
def test_every_bar_is_met(monkeypatch):
    """With fewer simulations than the command's: a rate p of n gates is known to sqrt(p(1-p)/n).

    A gate that promoted 10 % of equal players, or 90 % of those 70 Elo stronger, would meet its bar by chance of four
    or five standard errors, one that promoted 2 % of those 35 Elo weaker with a chance of 1e-4, and intervals that
    held 90 % of 2,100 ratings by one of four.
    """
    monkeypatch.setattr(gate_calibration, "MODELS", MODELS)
    monkeypatch.setattr(gate_calibration, "rotated_coverage", lambda *_: 0.95)  # no bar asks for it
    for measure in calibrate(gates=1000, fits=300, tournaments=150)["measures"]:
        if measure["bar"] is not None:
            higher = measure["better"] == "higher"
            assert (measure["value"] >= measure["bar"]) if higher else (measure["value"] <= measure["bar"]), measure
