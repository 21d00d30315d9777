"""Phases: which assets they make, and how far the store has come."""

import pytest

from resources.store.phases import (
    COMPLETE,
    PHASES,
    REPORT,
    STEPS,
    PhaseNotBuilt,
    check_phase,
    current_phase,
    phase_done,
    remaining,
    steps_from,
)
from resources.store.record import NewVersion, digest_of
from resources.store.store import Store
from ringrift.errors import InvalidInput


def put(store: Store, *assets: str, config: str = "square8_2p", missing: dict | None = None) -> None:
    for asset in assets:
        with store.draft(asset, config, 0) as folder:
            new = NewVersion(
                code_version="1",
                content_digest=digest_of(asset),
                inputs_digest=digest_of(asset),
                rows=1,
                data={},
                provenance={},
                missing=missing or {},
            )
            store.commit(folder, asset, config, 0, new)


def test_an_iteration_goes_through_the_phases_until_its_report_is_there(store):
    seen = []
    for asset in STEPS:
        seen.append(current_phase(store, ["square8_2p"], 0))
        put(store, asset)
    assert list(dict.fromkeys(seen)) == [*PHASES, REPORT]
    assert current_phase(store, ["square8_2p"], 0) == COMPLETE and remaining(store, "square8_2p", 0) == ()


def test_a_partial_partition_leaves_its_phase_open(store):
    put(store, *STEPS)
    put(store, "tournament_games", missing={"matches": ["m"]})
    assert not phase_done(store, "square8_2p", 0, "evaluation")
    assert remaining(store, "square8_2p", 0) == steps_from("evaluation")
    assert steps_from("evaluation") == ("tournament_games", "elo_ratings", "tier_assignment", "iteration_report")
    assert steps_from(REPORT) == (REPORT,)


def test_the_slowest_config_tells_the_phase(store):
    put(store, *STEPS)
    put(store, *STEPS[:2], config="square8_3p")
    assert current_phase(store, ["square8_2p", "square8_3p"], 0) == "sync"


def test_documented_phases_that_are_not_built_say_so_and_others_are_refused():
    with pytest.raises(PhaseNotBuilt, match="the phase npz-export is not built yet; there are selfplay, sync"):
        check_phase("npz-export")
    with pytest.raises(
        InvalidInput,
        match="use one of selfplay, sync, cmaes, training, profile-sync, evaluation, tier-gating, resources",
    ):
        check_phase("eval")
    assert [check_phase(name) for name in (*PHASES, "resources", "parity-validation")]
