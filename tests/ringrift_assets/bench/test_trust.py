"""The benchmark of forged games, with one job of each kind of forgery, on hosts reached in both ways."""

from contextlib import ExitStack

import pytest

from ringrift_assets.bench import trust
from tests.sshd import need_sshd


@pytest.mark.slow
def test_every_kind_of_forgery_is_caught_and_played_again_by_an_honest_host(tmp_path):
    with ExitStack() as stack:
        rows = trust.forged_jobs(tmp_path / "home", "local", len(trust.FORGERIES), stack)
    assert {row["forgery"] for row in rows} == set(trust.FORGERIES)
    assert all(row["caught"] and row["replaced"] for row in rows)


@pytest.mark.slow
def test_a_liar_reached_by_ssh_is_caught_too(tmp_path):
    need_sshd()
    with ExitStack() as stack:
        rows = trust.forged_jobs(tmp_path / "home", "ssh", 2, stack)
    assert len(rows) == 2 and all(row["caught"] and row["replaced"] for row in rows)


def test_honest_games_of_every_engine_hold(tmp_path):
    false, proof, spent = trust.honest_games(tmp_path / "home", 30)
    assert (false, proof.of) == (0, 30) and proof.games == 5 * 4 and proof.cpu_s > 0 and spent > 0


def test_the_report_has_a_bar_for_what_is_caught_and_for_false_alarms(monkeypatch):
    rows = [{"forgery": "x", "caught": 1, "replaced": 1}, {"forgery": "y", "caught": 0, "replaced": 0}]
    monkeypatch.setattr(trust, "forged_jobs", lambda folder, way, number, stack: rows[:number])
    monkeypatch.setattr(trust, "honest_games", lambda folder, games: (0, trust.Proof(1, of=games, cpu_s=0.5), 10.0))
    measures = {m["name"]: m for m in trust.bench_trust(2, 100)["measures"]}
    assert (measures["forged"]["value"], measures["caught"]["bar"]) == (2, 2)
    assert measures["proof_cpu_share"]["value"] == 0.05 and measures["false_alarms"]["bar"] == 0
