"""The dedup benchmark on small sets: both sides find what was planted; the bars are for the real size."""

from ringrift.gamesets.dedup import dedup, first_seen, game_keys
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.schema import table_of
from ringrift_assets.bench.dedup import bench_dedup
from tests.ringrift.gamesets.random_rows import played


def test_both_sides_find_the_planted_games():
    result = bench_dedup(known=20_000, new=4_000, repeats=1)
    assert [(row["side"], row["games"]) for row in result["rows"]] == [("ringrift", 3560), ("duckdb", 3600)]
    assert [(m["name"], m["bar"]) for m in result["measures"][:2]] == [("ratio_to_duckdb", 2.0), ("peak_mb", 1000.0)]


def test_who_is_first_seen_is_said_in_the_tables_own_order():
    honest = played(count=6)
    table = table_of([honest[3] | {"game_index": 50}, *honest[:5]])  # a later copy of game 3, standing first
    assert first_seen(table).tolist() == [False, True, True, True, True, True]
    known = game_keys(table_of(honest[1:2]))
    assert first_seen(table, known).tolist() == [False, True, False, True, True, True]
    unique, duplicates = dedup(table, known)
    assert unique["game_index"].to_pylist() == [0, 2, 3, 4] and duplicates["game_index"].to_pylist() == [1, 50]


def test_repeated_texts_kept_as_a_dictionary_make_no_difference():
    table = table_of([*played(count=3), *played("square8_3p", 3)])
    compact = table
    for name in ("config", "options", "job"):
        place = table.schema.get_field_index(name)
        compact = compact.set_column(place, name, table[name].dictionary_encode())
    assert (game_keys(compact) == game_keys(table)).all() and (first_seen(compact) == first_seen(table)).all()
    assert content_digest(table.take([5, 1, 3, 0, 4, 2])) == content_digest(table)
