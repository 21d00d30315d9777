"""One row makes a board: two that are not in the table walk the whole way from the rules to a network that plays."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ringrift.boards import BOARDS, LEAST_SIZE, MOST_CELLS, BoardSpec, board_name, register_board
from ringrift.config import CONFIG_KEYS, parse_config
from ringrift.errors import InvalidInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.network.card import POLICY_VALUE, ModelCard, card_path, save_card, save_weights, weights_hash
from ringrift.network.evaluator import load_evaluator
from ringrift.network.layout import BOARD_KIND, BOARD_KINDS, ENCODER_VERSION
from ringrift.network.lockstep import play_decision
from ringrift.network.model import Architecture
from ringrift.network.training.loop import Settings, train
from ringrift.network.training.policy_value import PolicyValueTask
from ringrift.network.training.rows import Batches, make_rows
from ringrift.network.training.window import WindowShape, select_window
from ringrift.players.participant import participant
from ringrift.render import render_svg, render_text, render_thumbnail
from ringrift.render.thumbnail import data_uri
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from ringrift.rules.moves import from_notation, to_notation
from ringrift.rules.replay import RULES_VERSION
from ringrift.rules.state import BOARD
from ringrift.specs.train import LoopSettings
from tests.ringrift.conftest import play

SQUARE10 = BoardSpec(
    name="square10",
    shape="square",
    size=10,
    rings=24,
    decision_caps=(900, 1200, 1600),
    title="Square10",
    short="sq10",
)
HEX5 = BoardSpec(
    name="hex5", shape="hexagonal", size=5, rings=22, decision_caps=(800, 1100, 1500), title="Hex5", short="hex5"
)


@pytest.fixture(scope="module")
def new_boards() -> Iterator[None]:
    """Both boards, for this file only."""
    before = dict(BOARDS)
    register_board(SQUARE10)
    register_board(HEX5)
    yield
    BOARDS.clear()
    BOARDS.update(before)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "hex8"}, "board.name"),
        ({"name": "Square10"}, "board.name"),
        ({"name": "hex"}, "board.alias"),
        ({"alias": "square8"}, "board.alias"),
        ({"title": "Hex"}, "board.title"),
        ({"short": "sq8"}, "board.short"),
        ({"shape": "round"}, "board.shape"),
        ({"size": LEAST_SIZE["square"] - 1}, "board.size"),
        ({"size": 23}, "board.size"),
        ({"shape": "hexagonal", "size": 13}, "board.size"),
        ({"decision_caps": (1, 2)}, "board.decision_caps"),
    ],
)
def test_a_board_that_cannot_be_is_refused_by_the_field(change, named):
    before = dict(BOARDS)
    with pytest.raises(InvalidInput, match=named.replace(".", r"\.")):
        register_board(replace(SQUARE10, **change))
    assert before == BOARDS


def test_the_largest_boards_have_room_in_a_move_code():
    assert replace(SQUARE10, size=22).cells <= MOST_CELLS and replace(HEX5, size=12).cells <= MOST_CELLS


PIPELINE_BOARD = """
from dataclasses import replace
from ringrift import boards
boards.register_board(replace(boards.BOARDS["square8"], name="square10", size=10, title="Square10", short="sq10"))
from ringrift.planning.pipeline import Pipeline
key, p = "square10_3p", Pipeline()
print(len(p.configs), key in p.configs, p.cmaes.generations[key], p.training.min_games[key], p.training.epochs[key])
"""


def test_a_board_of_the_pipeline_has_three_configs_with_numbers():
    done = subprocess.run([sys.executable, "-c", PIPELINE_BOARD], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["12", "True", "10", "30", "20"], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["square10", "hex5"])
def test_a_new_board_is_played_kept_drawn_and_learned(new_boards: None, name: str, tmp_path: Path):
    config = parse_config(f"{name}_2p")
    assert config.key not in CONFIG_KEYS

    shard = tmp_path / "games.parquet"
    write_shard(shard, play(config, 8))
    games = read_shard(shard)
    good, rejects = verify_rows(games, config=config)
    assert good.num_rows == games.num_rows == 8, rejects.to_pylist()
    labels = {name.partition("#")[0] for row in good["participants"].to_pylist() for name in row}
    assert {"Random_D1", "Heuristic_D4"} <= labels and {"Minimax_D1", "Descent_D1", "MCTS_D3", "MCTS_D4"} & labels

    game = Game(config)
    for code in good["moves"][0].as_py():
        assert from_notation(name, to_notation(name, code)) == code
        game.play(code)
    assert board_name(int(game.state[BOARD])) == name
    assert render_text(game.state).startswith(f"{name}, 2 players") and len(render_text(game.state).splitlines()) > 10
    drawing = ElementTree.fromstring(render_svg(game.state, highlight=[board(name).cells - 1]))
    assert f"{name}, 2 players" in "".join(drawing.itertext())
    assert len(data_uri(render_thumbnail(game.state))) < 950

    rows = make_rows(select_window([good], config, WindowShape()).games, config)
    globals_ = Batches(rows).make(np.flatnonzero(rows.policy_weight)[:4]).encoded.globals
    assert not globals_[:, BOARD_KIND : BOARD_KIND + BOARD_KINDS].any(), "the one-hot has room for the first four"
    held = np.arange(len(rows.ranking)) % 4 == 0
    numbers = LoopSettings(batch_size=64, epochs=1, max_row_uses=1, device="cpu")
    trained = train(PolicyValueTask(rows, Architecture(1, 8)), held, Settings(**numbers.model_dump()), 1)
    assert len(trained.history) == 1

    path = tmp_path / "model.safetensors"
    save_weights(path, trained.weights)
    save_card(card_path(path), card_of(config.key, weights_hash(trained.weights)))
    evaluator = load_evaluator(path, config)
    player = participant("gumbel", config, 9, budget=8, model=evaluator.weights)
    start = Game(config)
    decided = play_decision(start.state, player, 0, {evaluator.weights: evaluator})
    assert int(decided.codes[0]) in start.legal_moves()


def card_of(config: str, weights: str) -> ModelCard:
    return ModelCard(
        kind=POLICY_VALUE,
        architecture={"blocks": 1, "channels": 8},
        encoder=ENCODER_VERSION,
        rules_version=RULES_VERSION,
        config=config,
        iteration=0,
        weights=weights,
        seed=1,
        window={},
        training={},
        metrics={},
        code_version="test",
    )
