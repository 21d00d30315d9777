"""Who is in force: the documented start, then the newest verdict of an earlier iteration."""

from resources.storage import digest_of
from tests.assets.conftest import CONFIG, Graph, metadata


def put_verdict(graph: Graph, iteration: int, **data: object) -> None:
    store, key = graph.bench().store, ("tier_assignment", CONFIG, iteration)
    with store.claim(*key, run="test"), store.draft(*key) as folder:
        store.commit(
            folder,
            asset=key[0],
            config=CONFIG,
            iteration=iteration,
            code_version="1",
            content_digest=digest_of(data),
            inputs_digest=digest_of(data),
            rows=1,
            data=data,
            provenance={},
        )


def test_an_empty_store_starts_without_champion_at_the_baseline_profile_and_tier_d2(graph):
    result = graph.run(0, ["incumbent"])
    assert result.success
    assert graph.record("incumbent").data == {
        "champion": None,
        "profile": "heuristic_v1_balanced",
        "tier": "D2",
    }
    assert "documented start" in metadata(result, "incumbent")["decided_by"]


def test_the_newest_earlier_verdict_counts_and_one_of_the_same_iteration_does_not(graph):
    put_verdict(graph, 0, champion=None, profile="p0", tier="D2")
    put_verdict(graph, 2, champion="hex8_2p_iter2", profile="p2", tier="D4")
    put_verdict(graph, 4, champion="hex8_2p_iter4", profile="p4", tier="D6")
    result = graph.run(4, ["incumbent"])
    assert graph.record("incumbent", 4).data == {
        "champion": "hex8_2p_iter2",
        "profile": "p2",
        "tier": "D4",
    }
    assert metadata(result, "incumbent")["decided_by"] == "tier_assignment hex8_2p|0002"
    before = graph.record("incumbent", 4).content_digest
    put_verdict(graph, 3, champion=None, profile="p3", tier="D4")
    graph.run(4, ["incumbent"])
    assert graph.record("incumbent", 4).content_digest != before
