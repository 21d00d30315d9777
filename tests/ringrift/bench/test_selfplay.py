"""The selfplay benchmark measures what it says, on a network small enough for a test."""

import pytest

from ringrift.bench import selfplay


def test_it_reports_games_a_core_hour_and_the_share_of_bare_inference(monkeypatch):
    monkeypatch.setattr(selfplay, "ARCHITECTURES", ((1, 8),))
    monkeypatch.setattr(selfplay, "SMALL", {"1x8"})
    monkeypatch.setattr(selfplay, "TURN_S", 0.1)
    monkeypatch.setattr(selfplay, "available_engine_modes", lambda: ("random-only", "heuristic-only"))
    result = selfplay.bench_selfplay(games=4, seconds=0.05)
    measures = {measure["name"]: measure for measure in result["measures"]}
    assert measures.keys() == {
        "1x8.games_per_core_hour",
        "1x8.evaluations_per_s",
        "1x8.inference_ratio",
        "1x8.network_time_share",
        "random-only.games_per_core_hour",
        "heuristic-only.games_per_core_hour",
    }
    assert 0 < measures["1x8.inference_ratio"]["value"] < 1.2 and measures["1x8.inference_ratio"]["bar"] is None
    assert 0 < measures["1x8.network_time_share"]["value"] < 1
    row = result["rows"][0]
    assert row["games"] == 4 and 1 <= row["batch"] <= 4
    assert row["games/core-hour"] == pytest.approx(measures["1x8.games_per_core_hour"]["value"])
