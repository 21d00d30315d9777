"""Who is in force: the documented start, then the newest verdict of an earlier iteration."""

import sys
from dataclasses import replace

from resources.models.registry import Registry
from resources.store.record import NewVersion, digest_of
from ringrift import names
from ringrift.config import parse_config
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, profile_hash, profiles_file, write_profiles
from ringrift.players.participant import participant
from tests.resources.model_makers import change_record, put_model
from tests.resources.sample_contents import sample
from tests.ringrift_assets.conftest import CONFIG, Graph, failure, metadata


def put_verdict(graph: Graph, iteration: int, **data: object) -> None:
    data = sample(names.TIER_ASSIGNMENT, **data)
    store, key = graph.runtime().store, (names.TIER_ASSIGNMENT, CONFIG, iteration)
    with store.claim(*key, run="test"), store.draft(*key) as folder:
        new = NewVersion(
            code_version="1",
            content_digest=digest_of(data),
            inputs_digest=digest_of(data),
            rows=1,
            data=data,
            provenance={},
        )
        store.commit(folder, *key, new)


def champion(name: str, weights: str) -> dict:
    """A champion in the data of an incumbent or a verdict."""
    player = replace(participant("descent", parse_config(CONFIG), 5), value_model=weights)
    return {
        "champion": name,
        "champion_weights": weights,
        "champion_player": player.to_dict(),
        "champion_profile": {"WEIGHT_MOBILITY": 3.0},
    }


NO_CHAMPION = dict.fromkeys(champion("", "0" * 64))


def test_an_empty_store_starts_without_champion_at_the_baseline_profile_and_tier_d2(graph):
    result = graph.run(0, ["incumbent"])
    assert result.success
    assert graph.record("incumbent").data == {
        **NO_CHAMPION,
        "profile": BALANCED,
        "profile_hash": profile_hash(PROFILES[BALANCED]),
        "profile_weights": PROFILES[BALANCED],
        "tier": "D2",
    }
    assert "documented start" in metadata(result, "incumbent")["decided_by"]


def test_the_newest_earlier_verdict_counts_and_one_of_the_same_iteration_does_not(graph):
    def tuned(value):
        return {"profile": "tuned", "profile_hash": f"{value}", "profile_weights": {"WEIGHT_TERRITORY": value}}

    put_verdict(graph, 0, champion=None, tier="D2", **tuned(0.0))
    put_verdict(graph, 2, **champion("hex8_2p_iter2", "2" * 64), tier="D4", **tuned(2.0))
    put_verdict(graph, 4, **champion("hex8_2p_iter4", "4" * 64), tier="D6", **tuned(4.0))
    result = graph.run(4, ["incumbent"])
    assert graph.record("incumbent", 4).data == {
        **champion("hex8_2p_iter2", "2" * 64),
        "tier": "D4",
        **tuned(2.0),
    }
    assert (
        metadata(result, "incumbent")["champion_plays"] == "descent with its value network, 4000 positions a decision"
    )
    assert metadata(result, "incumbent")["decided_by"] == "tier_assignment hex8_2p|0002"
    before = graph.record("incumbent", 4).content_digest
    put_verdict(graph, 3, champion=None, tier="D4", **tuned(3.0))
    graph.run(4, ["incumbent"])
    assert graph.record("incumbent", 4).content_digest != before


def test_a_profile_the_repository_has_trained_is_the_start(graph, tmp_path, monkeypatch):
    path, name = tmp_path / "trained_heuristic_profiles.json", "heuristic_v1_hex8_2p"
    write_profiles(path, profiles_file({name: {"WEIGHT_TERRITORY": 9.0}}, {}))
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.incumbent"], "TRAINED_FILE", path)
    assert graph.run(0, ["incumbent"]).success
    data = graph.record("incumbent").data
    assert data["profile"] == name and data["profile_weights"] == {**PROFILES[BALANCED], "WEIGHT_TERRITORY": 9.0}
    assert data["profile_hash"] == profile_hash(data["profile_weights"])


def test_a_deprecated_champion_is_followed_by_the_last_one_that_is_not_and_the_step_says_so(graph):
    tuned = {"profile": "tuned", "profile_hash": "0", "profile_weights": {}}
    store = graph.runtime().store
    weights = [put_model(store, iteration, seed=iteration, config=CONFIG) for iteration in (0, 1, 2)]
    for iteration, place in ((0, None), (1, 1), (2, 2), (3, 2)):
        current = champion(f"{CONFIG}_iter{place}", weights[place]) if place else NO_CHAMPION
        put_verdict(graph, iteration, tier="D4", **current, **tuned)
    registry = Registry(graph.home)

    def in_force() -> tuple[str | None, str | None]:
        shown = metadata(graph.run(4, ["incumbent"]), "incumbent")
        return graph.record("incumbent", 4).data["champion"], shown.get("champion_fell_back")

    assert in_force() == (f"{CONFIG}_iter2", None)
    registry.deprecate(f"{CONFIG}_iter2", "it loses")
    note = f"the champion {CONFIG}_iter2 is deprecated; in force is {CONFIG}_iter1"
    assert in_force() == (f"{CONFIG}_iter1", note)
    assert graph.record("incumbent", 4).data["champion_weights"] == weights[1]
    assert graph.record("incumbent", 4).data["tier"] == "D4", "tiers do not fall by themselves"
    registry.deprecate(f"{CONFIG}_iter1", "it loses too")
    assert in_force()[0] is None and in_force()[1].endswith("in force is no champion")


def test_what_is_deprecated_later_changes_no_judged_iteration_and_counts_from_the_next_one(graph):
    tuned = {"profile": "tuned", "profile_hash": "0", "profile_weights": {}}
    store = graph.runtime().store
    weights = put_model(store, 0, seed=0, config=CONFIG)
    name = f"{CONFIG}_iter0"
    put_verdict(graph, 0, tier="D4", **champion(name, weights), **tuned)
    assert graph.run(1, ["incumbent"]).success
    before, registry = graph.record("incumbent", 1), Registry(graph.home)
    registry.deprecate(name, "it loses")  # while the iteration is at work: it ends with the champion it began with
    put_verdict(graph, 1, tier="D4", **champion(name, weights), **tuned)
    assert metadata(graph.run(1, ["incumbent"]), "incumbent")["reused"]
    assert graph.record("incumbent", 1) == before and before.data["champion"] == name
    graph.run(2, ["incumbent"])
    assert graph.record("incumbent", 2).data["champion"] is None
    put_verdict(graph, 2, tier="D4", **NO_CHAMPION, **tuned)

    # as it was stored before acts were counted
    change_record(store, "incumbent", CONFIG, 1, lambda held: held["provenance"].pop("acts"))
    assert metadata(graph.run(1, ["incumbent"]), "incumbent")["reused"]
    store.path(before, "incumbent.json").write_text("{}")
    assert not metadata(graph.run(1, ["incumbent"]), "incumbent")["reused"], "a damaged file is made again"
    assert graph.record("incumbent", 1).content_digest == before.content_digest
    assert metadata(graph.run(1, ["incumbent"]), "incumbent")["reused"], "and stays as it was then"
    assert graph.record("incumbent", 2).data["champion"] is None


def test_a_champion_that_no_player_is_known_of_is_an_error_with_the_remedy(graph):
    tuned = {"profile": "tuned", "profile_hash": "0", "profile_weights": {}}
    put_verdict(
        graph, 0, tier="D4", **NO_CHAMPION | {"champion": "hex8_2p_iter0", "champion_weights": "1" * 64}, **tuned
    )
    result = graph.run(1, ["incumbent"])
    assert not result.success and "materialize tier_assignment of its iteration again" in failure(result)
