"""Budgets that take a given time follow from measured rates; a rate that is not there is an error."""

import json

import pytest

from ringrift.boards import BOARDS
from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.planning.pipeline import Training, load_pipeline
from ringrift.planning.players import current_player
from ringrift.planning.rates import PlayerRates, budget_of, load_rates, network_rate_key, rate_key
from ringrift.players.engines import ENGINES, MOST_BUDGET
from ringrift.players.heuristic.profiles import BALANCED

SQUARE8 = Config("square8", 2)


def rates(**found) -> PlayerRates:
    return PlayerRates(machine={}, rates={"square8_2p": found})


@pytest.mark.parametrize(
    ("rate", "ms", "budget"),
    [(318_000.0, 5, 1_600), (487_000.0, 1, 490), (11_400.0, 5, 57), (1_220.0, 5, 6), (10.0, 5, 1)],
)
def test_a_budget_takes_the_time_to_two_digits_and_is_never_nothing(rate, ms, budget):
    assert budget_of(rates(descent=rate), SQUARE8, "descent", ms) == budget


def test_a_budget_stays_within_what_a_participant_may_have():
    assert budget_of(rates(descent=1e9), SQUARE8, "descent", 60_000) == MOST_BUDGET
    assert budget_of(rates(**{"gumbel 4x64": 1e6}), SQUARE8, "gumbel 4x64", 60_000) == 1024


def test_what_was_not_measured_is_an_error_that_says_how_to_measure_it():
    with pytest.raises(InvalidInput, match=r"were measured descent, not mcts.*bench players -c square8_2p --rates"):
        budget_of(rates(descent=1.0), SQUARE8, "mcts", 5)
    with pytest.raises(InvalidInput, match=r"were measured nothing"):
        budget_of(rates(descent=1.0), Config("hex8", 4), "descent", 5)


def test_light_finishing_is_another_rate_only_where_the_board_is_not_light_anyway():
    assert rate_key("mcts", SQUARE8, value=True, light_finish=True) == "mcts+light+value"
    assert rate_key("mcts", Config("square19", 2), value=True, light_finish=True) == "mcts+value"


@pytest.mark.parametrize("key", [*CONFIG_KEYS, "hex8_2p"])
def test_the_package_has_the_rates_of_every_search_in_every_config(key):
    config, found, shape = parse_config(key), load_rates().rates[key], Training()
    wanted = {network_rate_key(shape.blocks, shape.channels)}
    for engine in (name for name, row in ENGINES.items() if row.judged):
        for value in (False, True):
            wanted |= {rate_key(engine, config, value=value, light_finish=quick) for quick in (False, True)}
    assert set(found) == wanted
    assert len(found) == (7 if BOARDS[config.board].light else 13)


def test_a_file_of_rates_is_checked_where_it_is_read(tmp_path):
    with pytest.raises(MissingInput, match=r"rates\.json"):
        load_rates(str(tmp_path / "rates.json"))
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"machine": {}, "rates": {"square8_2p": {"descent": -1}}}))
    with pytest.raises(InvalidInput, match=r"bad.json: rates.square8_2p.descent"):
        load_rates(str(path))


def test_a_pipeline_names_its_rates_from_its_own_folder_and_a_new_measurement_counts_at_once(tmp_path):
    def write(rate: float) -> None:
        content = {"machine": {}, "rates": {"square8_2p": {"descent": rate}}}
        (tmp_path / "mine.json").write_text(json.dumps(content))

    (tmp_path / "pipeline.yaml").write_text("search: {rates: mine.json, decision_ms: 10}")
    pipeline = load_pipeline(tmp_path / "pipeline.yaml")
    for rate, budget in ((100_000.0, 1_000), (200_000.0, 2_000)):
        write(rate)
        assert current_player(pipeline, SQUARE8, BALANCED, {}, None).budget == budget
