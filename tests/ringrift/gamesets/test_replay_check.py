"""Games are verified by replay; forged ones are rejected, each with its reason."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.config import Config
from ringrift.gamesets import schema as games
from ringrift.gamesets.game_hash import game_dict, hash_game
from ringrift.gamesets.replay_check import REJECT_REASONS, REJECT_SCHEMA, verify_rows
from tests.ringrift.gamesets.random_rows import played


def test_played_games_verify(table):
    good, rejects = verify_rows(table)
    assert good.equals(table) and rejects.num_rows == 0 and rejects.schema == REJECT_SCHEMA


def test_capped_games_verify_and_carry_no_result():
    capped = games.table_of(played(count=10, decision_cap=12))
    assert capped["capped"].to_pylist() == [True] * 10 and capped["winner"].null_count == 10
    assert capped["plies"].to_pylist() == [12] * 10
    assert verify_rows(capped)[1].num_rows == 0


def rehash(row: dict) -> dict:
    """A forger computes the hash anew."""
    return row | {"game_hash": hash_game(game_dict(row)), "plies": len(row["moves"])}


FORGERIES = {
    "illegal_move": [
        lambda r: rehash(r | {"moves": [r["moves"][1], r["moves"][0], *r["moves"][2:]]}),
        lambda r: rehash(r | {"moves": r["moves"] + r["moves"][-1:]}),
        lambda r: r | {"moves": [4_294_967_295, *r["moves"][1:]]},
        lambda r: rehash(r | {"moves": r["moves"][1:]}),
    ],
    "wrong_winner": [lambda r: rehash(r | {"winner": 3 - r["winner"]}), lambda r: r | {"winner": None}],
    "wrong_ranking": [
        lambda r: rehash(r | {"ranking": r["ranking"][::-1]}),
        lambda r: r | {"ranking": [1, 2, 3]},
        lambda r: r | {"ranking": None},
    ],
    "wrong_victory": [lambda r: r | {"victory": "stalemate"}, lambda r: r | {"victory": None}],
    "wrong_plies": [lambda r: r | {"plies": r["plies"] + 1}],
    "wrong_hash": [lambda r: r | {"game_hash": "0123456789abcdef"}, lambda r: r | {"game_hash": ""}],
    "unfinished": [
        lambda r: rehash(r | {"moves": r["moves"][:-1]}),
        lambda r: r | {"moves": [], "plies": 0, "opening_plies": 0},
    ],
    "capped_but_over": [lambda r: rehash(r | {"capped": True, "winner": None, "ranking": None, "victory": None})],
    "capped_with_result": [lambda r: rehash(r | {"capped": True, "moves": r["moves"][:-1]})],
    "beyond_cap": [lambda r: r | {"moves": r["moves"] * 20, "plies": 20 * r["plies"]}],
    "rules_version": [lambda r: r | {"rules_version": "canonical-0"}],
    "malformed": [
        lambda r: r | {"config": "square9_2p"},
        lambda r: r | {"config": "hex_2p"},
        lambda r: r | {"config": "square8_3p"},
        lambda r: r | {"options": "{}"},
        lambda r: r | {"options": "not json"},
        lambda r: r | {"options": r["options"].replace('"line_length":4', '"line_length":4.0')},
        lambda r: r | {"options": " " + r["options"]},
        lambda r: r | {"participants": ["alone"]},
        lambda r: r | {"participants": ["", ""]},
        lambda r: r | {"source": "rumour"},
        lambda r: r | {"opening_plies": 250},
        lambda r: r | {"iteration": 10_000},
        lambda r: r | {"job": ""},
        lambda r: r | {"moves": None},
        lambda r: r | {"moves": [None] * r["plies"]},
        lambda r: r | {"config": None},
    ],
    "bad_search": [
        lambda r: r | search(r, codes=[[1], [2]]),
        lambda r: r | search(r, plies=[5, 0]),
        lambda r: r | search(r, plies=[0, 5000]),
        lambda r: r | search(r, visits=[[1], [0]]),
        lambda r: r | search(r, values=[1]),
        lambda r: r | search(r, codes=[[None], [None]]),
        lambda r: r | {"search_plies": [1]},
    ],
}


def search(row: dict, **changes) -> dict:
    """Search columns that name the move played at plies 0 and 5, changed as asked."""
    codes = [[row["moves"][0]], [row["moves"][5]]]
    good = {"plies": [0, 5], "codes": codes, "visits": [[7], [9]], "values": [100, -100]}
    return {f"search_{name}": value for name, value in (good | changes).items()}


def test_50_planted_games_are_caught_each_with_its_reason_and_no_good_one():
    honest = played(count=120)
    assert verify_rows(games.table_of([row | search(row) for row in honest]))[1].num_rows == 0
    forgeries = [(reason, forge) for reason, all_of in FORGERIES.items() for forge in all_of]
    planted = {2 * i: (forgeries[i % len(forgeries)]) for i in range(50)}
    rows = [planted[i][1](row) if i in planted else row for i, row in enumerate(honest)]
    table = games.table_of(rows)
    good, rejects = verify_rows(table)
    assert good["game_index"].to_pylist() == [i for i in range(120) if i not in planted]
    assert rejects["game_index"].to_pylist() == sorted(planted)
    assert rejects["reject_reason"].to_pylist() == [planted[i][0] for i in sorted(planted)]
    assert all(rejects["reject_detail"].to_pylist())


def test_every_reason_is_reached(rows):
    assert set(FORGERIES) | {"other_config", "other_options"} == set(REJECT_REASONS)
    for reason, forgeries in FORGERIES.items():
        for forge in forgeries:
            _, rejects = verify_rows(games.table_of([forge(rows[0])]))
            assert rejects["reject_reason"].to_pylist() == [reason], rejects["reject_detail"]


def test_a_game_of_another_config_or_with_other_options_is_set_aside_when_asked():
    config = Config("square8", 2)
    swap = config.options() | {"swap_rule": True}
    mixed = games.table_of(played(count=1) + played("square8_3p", 1) + played(count=1, options={"swap_rule": True}))
    assert verify_rows(mixed)[1].num_rows == 0
    _, rejects = verify_rows(mixed, config=config, options=config.options())
    assert rejects["reject_reason"].to_pylist() == ["other_config", "other_options"]
    assert verify_rows(mixed, options=swap)[0].num_rows == 1


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(games.CONTENT_COLUMNS),
    value=st.none() | st.integers(0, 255) | st.text(max_size=20) | st.lists(st.integers(0, 255), max_size=5),
)
def test_verification_never_raises(rows, name, value):
    try:
        table = games.table_of([rows[0] | {name: value}])
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return  # no such value fits into a game set
    good, rejects = verify_rows(table)
    assert good.num_rows + rejects.num_rows == 1
