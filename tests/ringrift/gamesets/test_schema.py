import dataclasses
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets import schema as games
from ringrift.gamesets.dedup import dedup, game_keys
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.game_hash import game_dict, hash_game, notation
from ringrift.gamesets.replay_check import REJECT_REASONS, REJECT_SCHEMA, verify_rows
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.play import play_rows
from ringrift.players.participant import Participant
from ringrift.rules.game import Game
from ringrift.specs.selfplay import SelfplayParams

GOLDEN = {
    "board_type": "square8",
    "moves": ["Pd4x2", "d4-d6", "Pe5x1"],
    "num_players": 2,
    "outcome": {"ranking": [2, 1], "winner": 2},
}
RANDOM = Participant("random", 1).to_dict()


def played(config: str = "square8_2p", count: int = 60, **changes) -> list[dict]:
    """Rows of random games, as selfplay makes them."""
    params = SelfplayParams(
        config=config,
        iteration=3,
        job="random",
        engine="random-only",
        first_game=0,
        games=count,
        root_seed=1,
        opening_plies=2,
        pool=[RANDOM],
        **changes,
    )
    return list(play_rows(game_plan(params), range(count)))


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return played() + played("square8_3p", 20) + played("hexagonal_2p", 2)


@pytest.fixture(scope="module")
def table(rows) -> pa.Table:
    return games.table_of(rows)


# --- hash -------------------------------------------------------------------------------------------------


def test_the_hash_of_a_known_game_never_changes():
    assert hash_game(GOLDEN) == "64bd52b86d59a7f2"


def test_the_hash_reads_four_keys_in_any_order_and_ignores_the_rest():
    shuffled = dict(reversed(GOLDEN.items())) | {"game_id": "x", "created_at": 3}
    assert hash_game(shuffled) == hash_game(GOLDEN)
    for key, other in (
        ("board_type", "hex8"),
        ("moves", ["Pd4x2"]),
        ("num_players", 3),
        ("outcome", {"ranking": [1, 2], "winner": 1}),
    ):
        assert hash_game(GOLDEN | {key: other}) != hash_game(GOLDEN)


@pytest.mark.parametrize("key", sorted(GOLDEN))
def test_a_game_without_one_of_the_four_keys_is_refused_by_name(key):
    with pytest.raises(InvalidInput, match=f"'{key}'"):
        hash_game({k: v for k, v in GOLDEN.items() if k != key})


@pytest.mark.parametrize("bad", [{"moves": {1, 2}}, {"outcome": float("nan")}, {"moves": [b"x"]}])
def test_a_game_that_is_no_json_is_refused(bad):
    with pytest.raises(InvalidInput):
        hash_game(GOLDEN | bad)
    with pytest.raises(InvalidInput):
        hash_game(["not a dict"])  # type: ignore[arg-type]


def test_a_row_hashes_as_its_documented_dict(rows):
    for row in rows:
        game = game_dict(row)
        assert sorted(game) == ["board_type", "moves", "num_players", "outcome"]
        assert hash_game(game) == row["game_hash"]


# --- files ------------------------------------------------------------------------------------------------


def test_a_shard_is_read_back_as_it_was_written(tmp_path, table):
    write_shard(tmp_path / "a.parquet", table)
    back = read_shard(tmp_path / "a.parquet")
    assert back.schema == games.SCHEMA and back.equals(table)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.parquet"], "no temporary file is left"


def test_a_square8_game_takes_less_than_400_bytes(tmp_path):
    write_shard(tmp_path / "a.parquet", games.table_of(played(count=200)))
    assert (tmp_path / "a.parquet").stat().st_size / 200 < 250


def test_the_file_names_schema_and_code_layout(tmp_path, table):
    write_shard(tmp_path / "a.parquet", table)
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata.metadata
    assert metadata[b"ringrift.game_set"] == b"1" and metadata[b"ringrift.code_layout"] == b"1"


def written(path: Path, table: pa.Table, **metadata: str) -> Path:
    """A Parquet file with other file metadata than ours."""
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.add_key_value_metadata({"ringrift.game_set": "1", "ringrift.code_layout": "1"} | metadata)
        writer.write_table(table)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, t: written(p, t, **{"ringrift.code_layout": "9"}), "code_layout=9"),
        (lambda p, t: written(p, t, **{"ringrift.game_set": "2"}), "game_set=2"),
        (lambda p, t: written(p, t.drop_columns(["seed"])), "column seed: absent"),
        (lambda p, t: written(p, t.append_column("extra", t["seed"])), "column extra"),
        (lambda p, t: written(p, t.set_column(2, "iteration", t["iteration"].cast("int64"))), "column iteration"),
        (lambda p, t: p.write_bytes(b"PAR1 nonsense"), "unreadable"),
        (lambda p, t: p.write_bytes(b""), "unreadable"),
        (lambda p, t: p.write_bytes(written(p, t).read_bytes()[:-200]), "unreadable"),
    ],
)
def test_a_file_that_is_no_game_set_is_refused_with_its_name_and_the_difference(tmp_path, table, change, said):
    path = tmp_path / "bad.parquet"
    change(path, table)
    with pytest.raises(InvalidInput) as caught:
        read_shard(path)
    assert "bad.parquet" in str(caught.value) and said in str(caught.value)


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(MissingInput, match=r"none\.parquet"):
        read_shard(tmp_path / "none.parquet")


# --- digest -----------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 82), max_size=4))
def test_the_digest_ignores_order_chunks_and_provenance(table, seed, cuts):
    order = np.random.default_rng(seed).permutation(table.num_rows)
    shuffled = table.take(order)
    edges = [0, *sorted(cuts), table.num_rows]
    parts = [shuffled.slice(a, b - a) for a, b in pairwise(edges)]
    for name in games.PROVENANCE_COLUMNS:
        place = table.schema.get_field_index(name)
        parts = [p.set_column(place, name, pa.nulls(p.num_rows, p.schema.field(place).type)) for p in parts]
    assert content_digest(pa.concat_tables(parts)) == content_digest(table)


def test_the_digest_ignores_how_the_file_is_encoded(tmp_path, table):
    pq.write_table(table, tmp_path / "b.parquet", compression="none", row_group_size=7)
    assert content_digest(pq.read_table(tmp_path / "b.parquet")) == content_digest(table)


def test_the_digest_sees_every_content_column(rows):
    other = {
        "game_hash": "0" * 16,
        "config": "square8_4p",
        "iteration": 4,
        "source": "import",
        "job": "other",
        "game_index": 4_000_000,
        "seed": 5,
        "rules_version": "other",
        "options": "{}",
        "participants": ["a", "b"],
        "opening_plies": 3,
        "moves": [1],
        "winner": 3,
        "ranking": None,
        "victory": "other",
        "plies": 5,
        "capped": True,
        "search_plies": [],
        "search_codes": [[]],
        "search_visits": [[1]],
        "search_values": [0],
    }
    assert tuple(other) == games.CONTENT_COLUMNS
    digests = {content_digest(games.table_of(rows))}
    for name, value in other.items():
        digests.add(content_digest(games.table_of([rows[0] | {name: value}, *rows[1:]])))
    assert len(digests) == 1 + len(other)


# --- dedup ------------------------------------------------------------------------------------------------


@st.composite
def small_sets(draw) -> list[dict]:
    """Rows with few hashes, so that most are duplicates; each (config, iteration, job, index) stands once."""
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["square8_2p", "hexagonal_2p"]),
                st.integers(0, 2),
                st.sampled_from(["b", "a"]),
                st.integers(0, 5),
            ),
            unique=True,
            max_size=30,
        )
    )
    plain = {"source": "selfplay", "seed": 1, "rules_version": "x", "participants": [], "opening_plies": 0}
    return [
        plain
        | {"config": config, "iteration": iteration, "job": job, "game_index": index}
        | {"moves": [], "plies": 0, "capped": False}
        | {"game_hash": f"{draw(st.integers(0, 6)):016x}", "options": draw(st.sampled_from(["{}", '{"a":1}']))}
        for config, iteration, job, index in places
    ]


def key(row: dict) -> tuple:
    return row["config"], row["options"], row["game_hash"]


def place(row: dict) -> tuple:
    return row["config"], row["iteration"], row["job"], row["game_index"]


@settings(max_examples=150, deadline=None)
@given(rows=small_sets(), seed=st.integers(0, 2**32), earlier=st.integers(0, 30))
def test_dedup_keeps_the_first_seen_whatever_the_order(rows, seed, earlier):
    ordered = sorted(rows, key=place)
    first: dict[tuple, dict] = {}
    for row in ordered:
        first.setdefault(key(row), row)
    shuffled = random.Random(seed).sample(rows, len(rows))
    unique, duplicates = dedup(games.table_of(shuffled))
    assert [place(r) for r in unique.to_pylist()] == [place(r) for r in ordered if first[key(r)] is r]
    assert [place(r) for r in duplicates.to_pylist()] == [place(r) for r in ordered if first[key(r)] is not r]

    again, none = dedup(unique)
    assert again.equals(unique) and none.num_rows == 0, "a second pass changes nothing"

    known = game_keys(games.table_of(shuffled[:earlier]))
    fresh, _ = dedup(games.table_of(shuffled), known)
    seen = {key(r) for r in shuffled[:earlier]}
    assert [key(r) for r in fresh.to_pylist()] == [key(r) for r in unique.to_pylist() if key(r) not in seen]


def test_dedup_of_an_iteration_after_itself_leaves_nothing_and_of_nothing_is_nothing(table):
    unique, _ = dedup(table)
    assert dedup(unique, game_keys(unique))[0].num_rows == 0
    assert dedup(table.slice(0, 0))[0].num_rows == 0


def test_the_same_moves_under_other_options_are_another_game(rows):
    other = rows[0] | {"game_index": 99, "options": games.options_text({"swap_rule": True})}
    assert dedup(games.table_of([rows[0], other]))[0].num_rows == 2


def test_a_bad_hash_is_refused(rows):
    with pytest.raises(InvalidInput, match="hex"):
        game_keys(games.table_of([rows[0] | {"game_hash": "ABC"}]))


# --- verification -----------------------------------------------------------------------------------------


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


def test_notation_of_a_row_plays_the_game_again(rows):
    row = rows[0]
    game = Game(row["config"])
    for text in notation("square8", row["moves"]):
        game.play(text)
    assert (game.winner, game.ranking, game.reason) == (row["winner"], row["ranking"], row["victory"])


def test_participants_with_another_setting_have_another_name():
    from ringrift.matches.plan import participant_name

    one = Participant("heuristic", 2, profile="p", profile_hash="0")
    assert participant_name(one) != participant_name(dataclasses.replace(one, randomness=0.1))
