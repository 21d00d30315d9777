"""Rates are measured for every search of a config, and the file is one that the pipeline takes."""

import json

from ringrift.bench.rates import bench_rates, random_value_network, searches
from ringrift.config import Config
from ringrift.planning.rates import budget_of, load_rates
from ringrift.players.match import play_match_game

HEX8 = Config("hex8", 2)


def test_every_search_is_measured_and_the_file_gives_budgets(tmp_path):
    path, told = tmp_path / "rates.json", []
    found = bench_rates([HEX8], 0.05, path, told.append)
    keys = [search.key for search in searches(HEX8)]
    assert told == [f"{key}, hex8_2p" for key in keys] and len(keys) == len(set(keys)) == 13
    rates = load_rates(str(path))
    assert set(rates.rates) == {"hex8_2p"} and set(rates.rates["hex8_2p"]) == set(keys)
    assert {row["search"]: row["per s"] for row in found["rows"]} == rates.rates["hex8_2p"]
    assert budget_of(rates, HEX8, "descent", 50) > budget_of(rates, HEX8, "mcts", 50) > 1, "positions, simulations"
    assert json.loads(path.read_text())["machine"]["cpus"] >= 1


def test_random_networks_judge_whole_games():
    network = random_value_network(HEX8)
    for _, player in searches(HEX8):
        if player is not None and player.value_model:
            table = [player] * 2
            game = play_match_game(HEX8, table, 1, ["rates"], cap=4, values={network.weights: network})
            assert game.plies == 4
