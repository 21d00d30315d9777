"""The value network inside the searches: it sees what is there, says what torch says, and players use it."""

import json
from dataclasses import replace

import numba
import numpy as np
import pytest
import torch

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets.shards import read_shard
from ringrift.jobs import contract
from ringrift.matches.decide import choose_move
from ringrift.matches.plan import participant_name
from ringrift.network import evaluator as inference
from ringrift.network.card import load_card, save_card, save_weights, weights_hash
from ringrift.network.value.files import load_value_network, load_value_networks
from ringrift.network.value.model import scores_of_strengths
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.play.player_text import load_values, read_player
from ringrift.play.series import play_series
from ringrift.play.summary import Series, gate_evidence, summarize
from ringrift.players.match import play_match_game
from ringrift.players.participant import Participant, participant
from ringrift.players.search.leaf_values import SCALE, network_value, squash
from ringrift.players.search.value_net import (
    CELL_FEATURES,
    MOST_ACTIVE,
    PER_CELL,
    PER_SEAT,
    SEAT_NUMBERS,
    ValueNetwork,
    judge_states,
    list_states,
    numbers_of,
)
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from ringrift.rules.state import CUR, HAND, HEADER_WORDS, PHASE, PLAYERS, stack_rings, stack_word
from ringrift.stats.evidence import verify_evidence
from ringrift.stats.sprt import SequentialTest
from tests.ringrift.network.nets import random_value, save_model, save_value, value_network
from tests.ringrift.network.test_lockstep import run_in
from tests.ringrift.network.test_model import states

SQUARE8, HEX8 = Config("square8", 2), Config("hex8", 2)
CONFIGS = ["square8_2p", "square8_3p", "hex8_4p", "square19_2p"]


def inputs(net: ValueNetwork, some: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """active, first, numbers of some states."""
    b = board(net.config.board)
    active = np.empty(len(some) * MOST_ACTIVE * b.cells, dtype=np.int32)
    ends = np.empty(len(some), dtype=np.int64)
    numbers = np.empty((len(some), numbers_of(net.config.players)), dtype=np.float32)
    used = list_states(b, some, net.net(), active, ends, numbers)
    return active[:used], np.concatenate(([0], ends[:-1])), numbers


def strengths(net: ValueNetwork, some: np.ndarray) -> np.ndarray:
    out = np.empty((len(some), net.config.players), dtype=np.float32)
    judge_states(board(net.config.board), some, net.net(), out)
    return out


def described(state: np.ndarray, config: Config) -> set[tuple[int, int, str]]:
    """(cell, relative player, feature) of a state, read from its cells without a kernel."""
    found = set()
    b, players, mover = board(config.board), config.players, int(state[CUR])
    for c in range(b.cells):
        word = int(state[b.first_cell + c])
        if word > 0:
            rings = stack_rings(word)
            cap = next((k for k, seat in enumerate(rings[::-1]) if seat != rings[-1]), len(rings))
            owner = (rings[-1] - mover) % players
            found.add((c, owner, "cap_5_or_more" if cap >= 5 else f"cap_{cap}"))
            tall = len(rings)
            found.add((c, owner, f"height_{tall if tall < 6 else '6_or_7' if tall < 8 else '8_or_more'}"))
            found |= {(c, (seat - mover) % players, "below_cap") for seat in rings[: tall - cap]}
        elif word:
            seat = -1 - word if word > -5 else -5 - word
            found.add((c, (seat - mover) % players, "marker" if word > -5 else "territory"))
    return found


def late_states(key: str) -> np.ndarray:
    """Positions of the middle of games, some stacks made taller than games make them."""
    some = states(key)
    b, players = board(key.rpartition("_")[0]), int(some[0, PLAYERS])
    for i, state in enumerate(some):
        for k in range(4):
            state[b.first_cell + 7 * k + i] = stack_word([(j // 2) % players for j in range(2 + 3 * k)])
    return some


@pytest.mark.parametrize("key", CONFIGS)
def test_the_features_are_what_lies_on_the_board(key):
    config = parse_config(key)
    some = late_states(key)
    active, first, numbers = inputs(value_network(config), some)
    seen = set()
    for i, state in enumerate(some):
        mine = active[first[i] : first[i + 1] if i + 1 < len(some) else None]
        cells, rest = np.divmod(mine, config.players * PER_CELL)
        found = {(int(c), int(r) // PER_CELL, CELL_FEATURES[r % PER_CELL]) for c, r in zip(cells, rest, strict=True)}
        assert found == described(state, config) and len(found) == len(mine)
        seen |= {name for _, _, name in found}
        hands = numbers[i, [r * PER_SEAT + SEAT_NUMBERS.index("hand") for r in range(config.players)]]
        order = [(int(state[CUR]) + r) % config.players for r in range(config.players)]
        rings = Game(config).state[HAND]
        assert hands == pytest.approx([state[HAND + seat] / rings for seat in order])
        phases = numbers[i, config.players * PER_SEAT :]
        assert phases[state[PHASE]] == 1.0 and phases[:7].sum() == 1.0
    assert seen >= {"cap_1", "height_5", "below_cap", "height_8_or_more"}


@pytest.mark.parametrize("key", CONFIGS)
def test_the_kernel_says_what_torch_says_and_scores_are_shared_out(key):
    config = parse_config(key)
    some = late_states(key)
    net = value_network(config)
    active, first, numbers = (torch.from_numpy(array) for array in inputs(net, some))
    with torch.inference_mode():
        expected = random_value(config)(active.long(), first, numbers).numpy()
    found = strengths(net, some)
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)  # float32 sums in another order
    scores = scores_of_strengths(found)
    assert scores.min() >= 0 and scores.max() <= 1 and np.ptp(scores) > 0.1
    np.testing.assert_allclose(scores.sum(axis=1), config.players / 2)


def turned_seats(state: np.ndarray, config: Config) -> np.ndarray:
    """The position with every player's things given to the next one, whose turn it then is."""
    turned, players, b = state.copy(), config.players, board(config.board)
    turned[CUR] = (state[CUR] + 1) % players
    for first in range(HAND, HEADER_WORDS - 4, 4):  # the groups of words by seat
        turned[first : first + players] = np.roll(state[first : first + players], 1)
    for c in range(b.first_cell, b.first_cell + b.cells):
        word = int(state[c])
        if word > 0:
            turned[c] = stack_word([(seat + 1) % players for seat in stack_rings(word)])
        elif word:
            base = -1 if word > -5 else -5
            turned[c] = base - (base - word + 1) % players
    return turned


@numba.njit
def values_of(b, s, net, out):
    for seat in range(s[PLAYERS]):
        out[seat] = network_value(b, s, seat, net)
        out[4 + seat] = squash(out[seat])


def values(net: ValueNetwork, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(value of each seat in units of the evaluation, the same in [-1, 1])."""
    out, players = np.zeros(8), net.config.players
    values_of(board(net.config.board), state, net.net(), out)
    return out[:players], out[4 : 4 + players]


@pytest.mark.parametrize("key", ["square8_2p", "square8_3p", "hex8_4p"])
def test_values_belong_to_the_side_and_not_to_its_colour(key):
    config = parse_config(key)
    net = value_network(config)
    for state in late_states(key):
        mine, between = values(net, state)
        theirs, _ = values(net, turned_seats(state, config))
        np.testing.assert_array_equal(theirs, np.roll(mine, 1))
        assert np.ptp(mine) > 0 and np.abs(between).max() < 1
        assert (mine > 0).sum() == 1 and mine.max() == pytest.approx(-np.sort(mine)[-2])
        if config.players == 2:
            scores = scores_of_strengths(strengths(net, state[None]))[0]
            order = [int(state[CUR]), 1 - int(state[CUR])]
            np.testing.assert_allclose(between[order], 2 * scores - 1, atol=1e-6)
            np.testing.assert_allclose(np.tanh(mine / SCALE), between)


# --- players ------------------------------------------------------------------------------------------------------


def judged(engine: str, config: Config, net: ValueNetwork, **changes: object) -> Participant:
    return replace(participant(engine, config, 1, randomness=0.0, **changes), value_model=net.weights)


def test_the_identity_of_a_player_holds_its_value_network():
    plain = participant("descent", SQUARE8, 5)
    nets = [value_network(SQUARE8, seed).weights for seed in (1, 2)]
    players = [replace(plain, value_model=weights) for weights in nets]
    assert plain.key == "02adc41f2971da12" and len({plain.key, *(player.key for player in players)}) == 3
    assert "value_model" not in plain.to_dict() and Participant.from_dict(players[0].to_dict()) == players[0]
    for engine in ("heuristic", "random"):
        with pytest.raises(InvalidInput, match=f"{engine} takes none; use minimax, mcts, descent"):
            replace(participant(engine, SQUARE8, 5), value_model=nets[0])
    for wrong in ("abc", 3):
        with pytest.raises(InvalidInput, match="64 hex digits"):
            replace(plain, value_model=wrong)


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
@pytest.mark.parametrize("key", ["square8_2p", "square8_3p", "hex8_4p"])
def test_players_with_a_network_play_legal_games_of_their_own(engine, key):
    config = parse_config(key)
    net, other = value_network(config, 1), value_network(config, 2)
    loaded = {net.weights: net, other.weights: other}

    def game(*players: Participant) -> list[int]:
        table = [players[seat % len(players)] for seat in range(config.players)]
        return play_match_game(config, table, 5, ["game"], values=loaded).codes.tolist()

    plain = participant(engine, config, 1, randomness=0.0, budget=60)
    one, two = (judged(engine, config, which, budget=60) for which in (net, other))
    codes = game(one, plain)
    replayed = Game(key)
    for code in codes:
        replayed.play(code)  # raises IllegalMove
    assert replayed.over
    assert (
        codes == game(one, plain)
        and game(plain) == play_match_game(config, [plain] * config.players, 5, ["game"]).codes.tolist()
    )
    assert len({tuple(game(player)) for player in (plain, one, two)}) == 3


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
def test_finishing_turns_lightly_is_another_player_of_legal_games_and_the_same_on_boards_that_are_light(engine):
    net = value_network(SQUARE8, 1)
    full = judged(engine, SQUARE8, net, budget=60)
    quick = replace(full, light_finish=True)
    games = [
        play_match_game(SQUARE8, [player] * 2, 5, ["game"], values={net.weights: net}).codes.tolist()
        for player in (full, quick)
    ]
    replayed = Game(SQUARE8)
    for code in games[1]:
        replayed.play(code)  # raises IllegalMove
    assert replayed.over and games[0] != games[1] and full.key != quick.key
    large = Config("square19", 2)
    plain = participant(engine, large, 1, randomness=0.0, budget=20)
    assert plain.light
    first, second = (
        play_match_game(large, [player] * 2, 5, ["game"], cap=30).codes.tolist()
        for player in (plain, replace(plain, light_finish=True))
    )
    assert first == second


def test_mcts_believes_the_network_for_every_player():
    """One position looked at from each seat: what the search says at the root leans to where the network leans."""
    config = Config("square8", 3)
    net = value_network(config, 3)
    game = Game(config)
    game.play_random(np.array([3], dtype=np.uint64), 12)
    out = np.empty((1, 3), dtype=np.float32)
    judge_states(board("square8"), game.state[None], net.net(), out)
    mine = 2 * scores_of_strengths(out)[0, 0] - 1
    louder = ValueNetwork("e" * 64, config, {**net.tensors, "last": -net.tensors["last"]})
    values = {net.weights: net, louder.weights: louder}
    player = judged("mcts", config, net, budget=30)
    for_it = choose_move(game.state, player, values=values).value
    against = choose_move(game.state, replace(player, value_model=louder.weights), values=values).value
    assert abs(mine) > 0.05, "the network has an opinion here"
    assert (for_it > against) == (mine > 0), "the opposite network says the opposite"


def test_one_decision_is_judged_by_the_network_of_the_player():
    net = value_network(SQUARE8, 1)
    game = Game(SQUARE8)
    game.play_random(np.array([7], dtype=np.uint64), 20)
    player = judged("descent", SQUARE8, net)
    found = choose_move(game.state, player, values={net.weights: net})
    assert found.code in game.legal_moves()
    assert found.value != choose_move(game.state, replace(player, value_model=None)).value
    with pytest.raises(InvalidInput, match="give the file of this value network"):
        choose_move(game.state, player)
    with pytest.raises(InvalidInput, match="it is of square8_2p, the game is hex8_2p"):
        choose_move(Game(HEX8).state, judged("descent", HEX8, net), values={net.weights: net})


# --- files and players as text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "policy_value"}, "this is a 'policy_value' network; a 'value' network is required here"),
        ({"config": "square8_3p"}, "config 'square8_3p'; 'square8_2p' is required here"),
        ({"encoder": 99}, "encoder 99; 1 is required here"),
        ({"rules_version": "other"}, "rules_version 'other'"),
        ({"weights": "0" * 64}, "these are the weights of hash .*; the card is of 0000"),
        ({"architecture": {"width": 8, "narrow": 8}}, "this version has"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_both_sides(tmp_path, change, message):
    path = tmp_path / "value.safetensors"
    save_value(path, SQUARE8, changes=change)
    with pytest.raises(InvalidInput, match=message):
        load_value_network(path, SQUARE8)


def test_a_file_of_another_network_or_of_none_is_refused(tmp_path):
    path = tmp_path / "value.safetensors"
    saved = save_value(path, SQUARE8)
    network = load_value_network(path, SQUARE8)
    assert network.weights == saved.weights and all(array.flags.writeable for array in network.tensors.values())
    with pytest.raises(InvalidInput, match="other weights than expected; the participant plays with 000"):
        load_value_networks({"0" * 64: path}, SQUARE8)
    with pytest.raises(MissingInput, match="nothing"):
        load_value_network(tmp_path / "nothing.safetensors", SQUARE8)
    save_value(path, SQUARE8)
    shape = value_network(HEX8).tensors

    save_weights(path, shape)
    card = path.with_suffix(".json")
    save_card(card, load_card(card).model_copy(update={"weights": weights_hash(shape)}))
    with pytest.raises(InvalidInput, match=r"tensor 'first' is .*; the architecture has"):
        load_value_network(path, SQUARE8)


def test_a_player_as_text_names_its_value_network(tmp_path):
    path = tmp_path / "value.safetensors"
    saved = save_value(path, SQUARE8)
    player = read_player(f"descent:5@300/weak+value:{path}", SQUARE8)
    assert player == replace(read_player("descent:5@300/weak", SQUARE8), value_model=saved.weights)
    assert load_values(["random", f"D5+value:{path}"], SQUARE8).keys() == {saved.weights}
    for text, message in (
        (f"human+value:{path}", "a human judges"),
        (f"heuristic:5+value:{path}", "heuristic takes none"),
        ("random+walk", "use ENGINE"),
    ):
        with pytest.raises(InvalidInput, match=message):
            read_player(text, SQUARE8)
    with pytest.raises(InvalidInput, match="its network is of square8_2p, the games are hex8_2p"):
        read_player(f"descent:5+value:{path}", HEX8)
    with pytest.raises(MissingInput, match="nothing"):
        read_player(f"descent:5+value:{tmp_path / 'nothing.safetensors'}", SQUARE8)


def test_series_gates_and_jobs_play_with_the_file_and_carry_its_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    saved = save_value(tmp_path / "value.safetensors", SQUARE8)
    specs = [f"minimax:1@40+value:{tmp_path / 'value.safetensors'}", "random"]
    players = [read_player(spec, SQUARE8) for spec in specs]
    gate = SequentialTest(min_blocks=2, max_blocks=4)
    series = Series(config=SQUARE8, specs=specs, players=players, blocks=4, gate=gate)
    rows = list(play_series(series))
    assert summarize(series, rows)["players"][0]["participant"]["value_model"] == saved.weights
    held = gate_evidence(series, rows)
    assert held["candidate"]["hashes"]["value_model"] == saved.weights and verify_evidence(held) == []
    assert held["opponent"]["hashes"] == {}
    terms = MatchTerms(config=SQUARE8, iteration=0, root_seed=1)
    spec = match_job(replace(terms, models=[saved]), "m", *players, blocks=1)
    manifest = run_in(tmp_path / "job", spec)
    name = participant_name(players[0])
    assert manifest.result["participants"][name]["value_model"] == saved.weights
    table = read_shard(tmp_path / "job" / contract.OUT / manifest.shards[0].name)
    assert all(name in seats for seats in table["participants"].to_pylist())
    with pytest.raises(InvalidInput, match="give the file of each network"):
        match_job(terms, "m", *players, blocks=1)
    assert json.loads(spec.canonical())["params"]["models"][0]["weights"] == saved.weights


def test_policy_and_value_networks_meet_in_one_job(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    monkeypatch.setattr(inference, "user_cache_dir", lambda app: str(tmp_path / "cache"))
    policy = save_model(tmp_path / "policy.safetensors", SQUARE8)
    value = save_value(tmp_path / "value.safetensors", SQUARE8)
    first = participant("gumbel", SQUARE8, 9, model=policy.weights, budget=2)
    second = replace(participant("descent", SQUARE8, 1, budget=40), value_model=value.weights)
    terms = MatchTerms(config=SQUARE8, iteration=0, root_seed=1, models=[policy, value])
    spec = match_job(terms, "m", first, second, blocks=1)
    manifest = run_in(tmp_path / "job", spec)
    assert manifest.result["games"] == 2
    players = manifest.result["participants"]
    assert players[participant_name(first)]["model"] == policy.weights
    assert players[participant_name(second)]["value_model"] == value.weights
