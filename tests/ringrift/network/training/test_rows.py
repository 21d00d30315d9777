"""Training rows are what a slow replay of the games gives."""

import numpy as np
import pyarrow as pa
import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.encoder import encode
from ringrift.network.layout import grids
from ringrift.network.training.losses import scores_of_ranks
from ringrift.network.training.rows import STRIDE, Batches, epoch_rows, make_rows
from ringrift.network.training.window import WindowShape, select_window
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from tests.ringrift.conftest import HEX8, play


def slow_rows(row: dict, config: Config) -> list[dict]:
    """What the rows of one game should be, in order."""
    game, found = Game(config), []
    searched = {}
    if row["search_plies"]:
        columns = (row["search_plies"], row["search_codes"], row["search_visits"])
        searched = {ply: dict(zip(codes, visits, strict=True)) for ply, codes, visits in zip(*columns, strict=True)}
    for ply, code in enumerate(row["moves"]):
        legal = game.legal_moves()
        if len(legal) >= 2:
            visits = searched.get(ply, {code: 1})
            mover = game.to_move - 1
            policy = ply >= row["opening_plies"] and not row["participants"][mover].startswith("Random")
            found.append(
                {
                    "state": game.state.copy(),
                    "policy": [visits.get(move, 0) / sum(visits.values()) for move in legal],
                    "weight": float(policy),
                    "ranks": [row["ranking"][(mover + r) % config.players] for r in range(config.players)],
                    "plies": len(row["moves"]) - ply,
                    "mover": mover,
                }
            )
        game.play(code)
    cells = game.state[board(config.board).first_cell :]
    for entry in found:
        entry["owner"] = [
            0
            if w == 0
            else 1 + ((w >> 61 if w > 0 else -5 - w if w < -4 else -1 - w) - entry["mover"]) % config.players
            for w in map(int, cells)
        ]
    return found


@pytest.mark.parametrize("config", [HEX8, Config("hex8", 3)])
def test_rows_are_those_of_a_slow_replay(config, games):
    table = games if config == HEX8 else play(config, 3)
    table = select_window([table], config, WindowShape()).games.slice(0, 3)
    rows = make_rows(table, config)
    expected = [entry for row in table.to_pylist() for entry in slow_rows(row, config)]
    assert len(rows) == len(expected) > 3 * STRIDE
    batch = Batches(rows).make(np.arange(len(rows)))
    encoded = encode(np.stack([entry["state"] for entry in expected]))
    for name in encoded._fields:
        assert np.array_equal(getattr(batch.encoded, name), getattr(encoded, name)), name
    assert np.allclose(batch.policy, np.concatenate([entry["policy"] for entry in expected]))
    assert batch.policy_weight.tolist() == [entry["weight"] for entry in expected]
    assert batch.ranks[:, : config.players].tolist() == [entry["ranks"] for entry in expected]
    assert not batch.ranks[:, config.players :].any()
    assert batch.plies.tolist() == [entry["plies"] for entry in expected]
    grid = grids(config.board)[0]
    assert batch.owners[:, grid].tolist() == [entry["owner"] for entry in expected]
    assert (np.delete(batch.owners, grid, axis=1) == -1).all()


def test_targets_are_balanced_between_the_seats(rows):
    """A bug that always takes the same seat's side shows here: movers of either seat win about as often as they do."""
    batch = Batches(rows).make(np.arange(len(rows)))
    seats = rows.seats[rows.ply]
    scores = scores_of_ranks(batch.ranks)
    assert set(seats) == {0, 1} and 0.3 < seats.mean() < 0.7
    assert np.allclose(scores[:, :2].sum(axis=1), 1) and not scores[:, 2:].any()
    for seat in (0, 1):
        won = rows.ranking[rows.game, seat] == 1
        assert np.array_equal(scores[seats == seat, 0], won[seats == seat])


def test_a_turned_batch_keeps_the_targets_of_each_move(rows):
    batches = Batches(rows)
    chosen = np.arange(0, len(rows), 7)
    turn = np.arange(len(chosen)) % batches.symmetries
    plain, turned = batches.make(chosen), batches.make(chosen, turn)
    assert np.array_equal(plain.policy, turned.policy) and np.array_equal(plain.encoded.codes, turned.encoded.codes)
    table = grids("hex8")
    for i, t in enumerate(turn):
        for name in ("planes",):
            before, after = getattr(plain.encoded, name)[i], getattr(turned.encoded, name)[i]
            assert np.array_equal(before[:, table[0]], after[:, table[t]])
        assert np.array_equal(plain.owners[i, table[0]], turned.owners[i, table[t]])


def test_soft_share_counts_the_searched_rows(rows, games):
    assert 0.2 < rows.soft_share < 0.9
    hard = select_window([games], HEX8, WindowShape()).games
    for name in ("search_plies", "search_codes", "search_visits"):
        column = hard.schema.get_field_index(name)
        hard = hard.set_column(column, name, pa.nulls(hard.num_rows, hard.schema.field(name).type))
    assert make_rows(hard, HEX8).soft_share == 0


def test_only_recorded_searches_of_a_network_are_imitated(games):
    entries = select_window([games], HEX8, WindowShape()).games.to_pylist()
    for entry in entries:
        entry["participants"] = [f"Gumbel_D9#{seat:016x}" for seat in range(2)]
    schema = select_window([games], HEX8, WindowShape()).games.schema
    rows = make_rows(pa.Table.from_pylist(entries, schema=schema), HEX8)
    recorded = rows.target_first < rows.target_last
    opening = rows.ply - rows.first[rows.game] < np.array([entry["opening_plies"] for entry in entries])[rows.game]
    assert 0 < recorded.sum() < len(rows)
    assert np.array_equal(rows.policy_weight > 0, recorded & ~opening)


def test_a_game_that_does_not_replay_and_a_search_of_illegal_moves_are_refused(games):
    entries = select_window([games], HEX8, WindowShape()).games.to_pylist()
    broken = [dict(entry) for entry in entries]
    broken[2]["moves"] = [*broken[2]["moves"][:9], 12345, *broken[2]["moves"][10:]]
    schema = select_window([games], HEX8, WindowShape()).games.schema
    with pytest.raises(InvalidInput, match=f"game {broken[2]['game_hash']}: illegal move at ply 9"):
        make_rows(pa.Table.from_pylist(broken, schema=schema), HEX8)
    searched = next(i for i, entry in enumerate(entries) if entry["search_plies"])
    entries[searched]["search_codes"] = [[code ^ 1 << 18 for code in c] for c in entries[searched]["search_codes"]]
    rows = make_rows(pa.Table.from_pylist(entries, schema=schema), HEX8)
    with pytest.raises(InvalidInput, match="search_codes"):
        Batches(rows).make(np.flatnonzero(rows.game == searched))


def test_passes_over_the_rows_use_each_equally_and_can_be_entered_anywhere():
    rows = np.arange(100, 137)
    whole = epoch_rows(rows, 5, 0, 3 * 37)
    assert all(sorted(whole[p * 37 : (p + 1) * 37]) == list(rows) for p in range(3))
    assert not np.array_equal(whole[:37], whole[37:74])
    parts = [epoch_rows(rows, 5, begin, min(10, 111 - begin)) for begin in range(0, 111, 10)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(epoch_rows(rows, 6, 0, 37), whole[:37])
