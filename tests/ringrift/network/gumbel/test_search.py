"""The network's search: sequential halving, the improved policy in closed form, ends of games, won positions."""

import json

import numpy as np
import pytest
import torch

from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.matches.decide import choose_move
from ringrift.network.encoder import encode
from ringrift.network.evaluator import OnnxEvaluator, TorchEvaluator, export_onnx
from ringrift.network.gumbel.halving import CONSIDERED, visit_schedule
from ringrift.network.gumbel.scores import scores_of_end
from ringrift.network.gumbel.targets import TARGET_SCALE
from ringrift.network.lockstep import GameStart, Lockstep, play_lockstep
from ringrift.network.model import Architecture, PolicyValueNet
from ringrift.players.participant import Participant, participant
from ringrift.rules.game import Game, ranking_of
from ringrift.rules.moves import to_notation
from ringrift.rules.state import CUR, SWAP_USED
from ringrift.seeds import stream
from ringrift.stats.results import game_scores
from tests.ringrift.network.nets import random_net
from tests.ringrift.players.find_tactics import TACTICS

WEIGHTS = "a" * 64
NET = {WEIGHTS: TorchEvaluator(random_net(), WEIGHTS, "cpu")}


def player(config: Config, budget: int, **changes) -> Participant:
    return participant("gumbel", config, 9, model=WEIGHTS, budget=budget, **changes)


def test_sequential_halving_spends_the_budget_on_fewer_and_fewer():
    assert visit_schedule(4, 8) == [0, 0, 0, 0, 1, 1, 2, 2]
    assert visit_schedule(1, 3) == [0, 1, 2]
    assert visit_schedule(16, 16) == [0] * 16
    for considered in range(1, CONSIDERED + 1):
        for budget in (2, 7, 16, 33, 64):
            schedule, visits = visit_schedule(considered, budget), [0] * considered
            assert len(schedule) == budget
            for wanted in schedule:  # there always is a decision with that many visits
                visits[visits.index(wanted)] += 1


@pytest.mark.parametrize("key", ["square8_2p", "hex8_3p", "square8_4p"])
def test_ends_are_scored_as_ratings_score_them(key):
    rng, out = stream(5, key), np.zeros(4)
    for _ in range(25):
        game = Game(key)
        game.play_random(rng, 10_000)
        assert game.over
        scores_of_end(game.state, out)
        expected = game_scores(ranking_of(game.state), game.config.players)
        if game.state[SWAP_USED]:
            expected = expected[::-1]  # by participant: the two have exchanged seats
        np.testing.assert_allclose(out[: game.config.players], expected)


def test_the_improved_policy_is_the_papers_closed_form():
    game, rng = Game("square8_2p"), stream(8, "closed form")
    game.play_random(rng, 12)
    state, legal = game.state.copy(), game.legal_moves()
    assert len(legal) > CONSIDERED
    logits, scores = NET[WEIGHTS](encode(state))
    found = choose_move(state, player(game.config, CONSIDERED), evaluators=NET)

    visited = np.argsort(-logits, kind="stable")[:CONSIDERED]  # 16 of 16 simulations: each of them once
    q, mover = {}, state[CUR]
    for i in visited:
        after = Game("square8_2p")
        for code in [*game.moves, legal[i]]:
            after.play(code)
        while len(after.legal_moves()) == 1:
            after.play(after.legal_moves()[0])
        judged = NET[WEIGHTS](encode(after.state))[1][0]
        q[i] = float(judged[(mover - after.state[CUR]) % 2])
    prior = np.exp(logits - logits.max())
    prior /= prior.sum()
    seen = prior[visited].sum()
    mixed = (scores[0, 0] + CONSIDERED * sum(prior[i] * q[i] for i in visited) / seen) / (1 + CONSIDERED)
    sigma = (50 + 1) * np.array([q.get(i, mixed) for i in range(len(legal))])
    improved = np.exp(logits + sigma - (logits + sigma).max())
    improved /= improved.sum()
    assert found.code == legal[max(visited, key=lambda i: logits[i] + sigma[i])]
    order = np.argsort(-improved)[: len(found.codes)]
    assert found.codes.tolist() == [legal[i] for i in order]
    np.testing.assert_allclose(found.visits / TARGET_SCALE, improved[order], atol=2 / TARGET_SCALE)
    value = 2 * (scores[0, 0] + sum(q.values())) / (1 + CONSIDERED) - 1
    assert found.value == pytest.approx(value, abs=1e-5)


def test_without_noise_a_decision_is_a_pure_function_of_the_position():
    game = Game("hex8_2p")
    game.play_random(stream(1, "x"), 9)
    calm, noisy = player(game.config, 16), player(game.config, 16, temperature=1.0)
    assert len({choose_move(game.state, calm, seed, evaluators=NET).code for seed in range(4)}) == 1
    assert len({choose_move(game.state, noisy, seed, evaluators=NET).code for seed in range(12)}) > 1


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A network that has no opinion: what it finds, it finds by the ends of games."""
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    torch.manual_seed(0)
    export_onnx(PolicyValueNet(Architecture(2, 8)), path)
    return {WEIGHTS: OnnxEvaluator(path, WEIGHTS)}


# With no more legal decisions than the root considers, none is left out by the luck of the draw.
WON = [p for p in json.loads(TACTICS.read_text())["positions"] if p["goal"] == "win" and p["legal"] <= CONSIDERED]


@pytest.mark.parametrize("position", WON, ids=[position["name"] for position in WON])
def test_an_untrained_network_finds_a_win_in_the_turn(position, untrained):
    config = parse_config(position["config"])
    game = Game(config, position["options"])
    for move in position["moves"].split():
        game.play(move)
    found = choose_move(game.state, player(config, 1000), 0, evaluators=untrained)
    assert to_notation(config.board, found.code) in position["accepted"].split()


@pytest.mark.parametrize("key", [*CONFIG_KEYS, "hex8_3p"])
def test_only_legal_decisions_are_played_and_recorded(key):
    config = parse_config(key)
    players = [player(config, 3, temperature=1.0)] * config.players
    table = Lockstep(config, NET, width=2, budgets=[3], cap=40, opening_plies=2)
    for _, played, _ in play_lockstep(table, (GameStart(i, i, players) for i in range(2))):
        game = Game(config)
        for ply, code in enumerate(played.codes.tolist()):
            legal = game.legal_moves()
            kept = int(played.searched.kept[ply])
            assert {*played.searched.codes[ply, :kept].tolist()} <= {*legal}
            assert kept > 0 or ply < 2 or len(legal) == 1
            game.play(code)
        assert played.plies == 40 or game.over
