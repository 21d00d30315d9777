"""What `ringrift run --dry-run` shows: the jobs of each partition, without doing any of them.

The plans come from the functions by which the assets plan. Where the run itself makes something that a plan needs, the
plan is made twice, from what stands there now and from something else: a job whose id differs between the two is shown
without an id, with what it has to wait for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from resources.runtime import Runtime
from resources.store.contents.base import content_of
from resources.store.contents.models import TrainingOutcome
from resources.store.contents.profiles import IncumbentContent, ProfileContent
from resources.store.learned import learned_games
from resources.store.phases import STEPS
from resources.store.record import Record
from ringrift import names
from ringrift.config import parse_config
from ringrift.planning.incumbent import Incumbent
from ringrift.planning.matches import MatchPlan
from ringrift.planning.selfplay import Plan, source_jobs
from ringrift.specs.kinds import params_of, planned_games
from ringrift.specs.prove import ProveParams
from ringrift.specs.store_jobs import ResultsParams
from ringrift_assets.assets import ASSETS
from ringrift_assets.assets.cmaes_profile import PROOF_PREFIX, plan_searches, search_inputs
from ringrift_assets.assets.elo_ratings import plan_ratings
from ringrift_assets.assets.heuristic_profiles import IMPORT_PREFIX, import_proof, plan_profile
from ringrift_assets.assets.incumbent import find_incumbent
from ringrift_assets.assets.selfplay_games import plan_games, plan_inputs
from ringrift_assets.assets.tier_assignment import plan_verdicts
from ringrift_assets.assets.trained_model import least_games, plan_training
from ringrift_assets.assets.training_db import plan_verification
from ringrift_assets.runs.plan_rows import (
    Entry,
    by_name,
    by_row,
    common,
    compare,
    entry_of,
    most_games,
    other_candidate,
    other_incumbent,
)
from ringrift_assets.steps.incumbents import champion_in, incumbent_of, with_profile
from ringrift_assets.steps.partition import registry_for, up_to_date
from ringrift_assets.steps.tournament import (
    Networks,
    networks_of,
    open_matches,
    plan_tournament,
    tournament_inputs,
)

GRAPH = {asset.key.path[-1]: asset for asset in ASSETS}
EARLIER = {
    names.INCUMBENT: (names.TIER_ASSIGNMENT,),
    names.TRAINING_DB: (names.TRAINING_DB, names.TOURNAMENT_GAMES),
    names.TRAINED_MODEL: (names.TRAINING_DB,),
    names.TOURNAMENT_GAMES: (names.INCUMBENT, names.TRAINED_MODEL, names.ELO_RATINGS),
    names.ELO_RATINGS: (names.TOURNAMENT_GAMES, names.ELO_RATINGS),
    names.ITERATION_REPORT: STEPS[1:-1],  # all but the incumbent and itself
}
"""What an asset reads of earlier iterations."""


def show_plans(runtime: Runtime, work: Iterable[tuple[int, Mapping[str, Sequence[str]]]]) -> list[dict[str, Any]]:
    """What a run of some iterations in this order would do, each with the assets to make by config, as JSON."""
    changes: dict[str, dict[str, int]] = {}  # config → asset → the newest iteration in which the run makes it
    coming: dict[str, int] = {}  # config → games that networks learn from, planned and not stored yet
    plans = []
    for iteration, wanted in work:
        for key, assets in wanted.items():
            before = changes.setdefault(key, {})
            partition = _Partition(runtime, key, iteration, assets, dict(before), coming.get(key, 0))
            plans.append(partition.show())
            coming[key] = coming.get(key, 0) + partition.taught
            before |= {asset: iteration for asset in partition.open if asset in assets}
    return plans


class _Partition:
    """A config in an iteration, and how much of it the store holds already as the run would make it.

    `changes` says in which earlier iteration the run makes an asset; `open` are the assets that are not yet what they
    will be, `done` those of the run that are up to date. `coming` are games that networks learn from, which the run
    plays in earlier iterations.
    """

    def __init__(
        self,
        runtime: Runtime,
        key: str,
        iteration: int,
        assets: Sequence[str],
        changes: Mapping[str, int],
        coming: int,
    ) -> None:
        self.runtime, self.key, self.iteration, self.assets, self.changes = runtime, key, iteration, assets, changes
        self.config = parse_config(key)
        self.coming = coming
        self.open: set[str] = set()
        self.done: list[str] = []
        self.other_jobs: list[Entry] = []
        self.taught = 0  # games it plays that networks learn from
        found = find_incumbent(runtime, key, iteration)
        self.unsure = self._earlier(names.INCUMBENT) if names.INCUMBENT in assets else []
        stored = self._settle(names.INCUMBENT, lambda: found.inputs, self.unsure)
        content = content_of(stored, IncumbentContent) if stored and not self._makes(names.INCUMBENT) else found.content
        self.incumbent = incumbent_of(content, champion_in(runtime, content))
        self.other_incumbent = other_incumbent(runtime.pipeline, self.config, self.incumbent)

    def show(self) -> dict[str, Any]:
        """What the run would do here, as JSON."""
        games, skipped = self._games()
        self._step(names.TRAINING_DB, "verify", plan_verification)
        searches = self._searches()
        self._step(names.TRAINED_MODEL, "train", plan_training)
        self._profile()
        matches, skipped_matches = self._matches()
        self._step(names.ELO_RATINGS, "rate", plan_ratings)
        self._settle(names.TIER_ASSIGNMENT, lambda: plan_verdicts(self.runtime, self.key, self.iteration).inputs)
        stored = self.runtime.store.get(names.SELFPLAY_GAMES, self.key, self.iteration)
        return {
            "config": self.key,
            "iteration": self.iteration,
            "assets": list(self.assets),
            "up_to_date": self.done,
            "jobs": games,
            "games": sum(job["games"] for job in games),
            "skipped": skipped,
            "hosts": [host.name for host in self.runtime.eligible("selfplay")],
            "stored_games": stored.rows if stored else 0,
            "searches": searches,
            "training": self._training() if self._makes(names.TRAINED_MODEL) else None,
            "matches": matches,
            "skipped_matches": skipped_matches,
            "other_jobs": self.other_jobs,
        }

    def _training(self) -> dict[str, int]:
        """Games that are stored for a training, and those it needs; what the iteration plays comes on top."""
        have = learned_games(self.runtime.store, self.runtime.pipeline, self.key, self.iteration)
        return {"have": have, "need": least_games(self.runtime.pipeline, self.key)}

    def _makes(self, asset: str) -> bool:
        return asset in self.assets

    def _waits(self, asset: str) -> list[str]:
        """The next partitions that have to be made before this one, each as asset|iteration; none if it can be made."""
        upstream = {dep.path[-1] for dep in GRAPH[asset].dependency_keys} & self.open or {names.INCUMBENT} & self.open
        return [f"{name}|{self.iteration:04d}" for name in STEPS if name in upstream] or self._earlier(asset)

    def _earlier(self, asset: str) -> list[str]:
        return [f"{name}|{self.changes[name]:04d}" for name in EARLIER.get(asset, ()) if name in self.changes]

    def _settle(
        self, asset: str, inputs: Callable[[], Mapping[str, Any]], waits: Sequence[str] | None = None
    ) -> Record | None:
        """The stored partition if the run would take it as it is or go on from it; else the asset is open."""
        if not self._makes(asset):  # whatever is stored is taken
            record = self.runtime.store.get(asset, self.key, self.iteration)
        elif self._waits(asset) if waits is None else waits:
            record = None
        else:
            record = up_to_date(self.runtime, GRAPH[asset], self.key, self.iteration, inputs())
        if record is None or (self._makes(asset) and record.missing):
            self.open.add(asset)
        elif self._makes(asset):
            self.done.append(asset)
        return record

    def _games(self) -> tuple[list[Entry], list[Any]]:
        """The selfplay jobs, and those that are skipped."""

        def plan(incumbent: Incumbent, missing: Any = None) -> Plan:
            return plan_games(self.runtime, self.key, self.iteration, incumbent, missing, self.coming)

        now = plan(self.incumbent)
        partial = self._settle(names.SELFPLAY_GAMES, lambda: plan_inputs(now), self.unsure)
        if not self._makes(names.SELFPLAY_GAMES):
            return [], []
        if partial and partial.missing:
            now = plan(self.incumbent, partial.missing["games"])
        others = {label: plan(self.other_incumbent) for label in self.unsure}
        taught = source_jobs(self.runtime.pipeline, self.config) if partial is None else ()
        self.taught = sum(planned_games(spec) or 0 for spec in now.jobs if spec.params["job"] in taught)
        rows = compare(by_name(now.jobs), {label: by_name(other.jobs) for label, other in others.items()})
        if names.SELFPLAY_GAMES in self.open:
            self._later(names.SELFPLAY_GAMES, ProveParams.kind, list(rows))
        return [{**entry_of(spec, after), "games": planned_games(spec)} for spec, after in rows.values()], common(
            now.skipped, *(other.skipped for other in others.values())
        )

    def _step(self, asset: str, name: str, plan: Callable[[Runtime, str, int], Any]) -> None:
        """Settle an asset that is made by one job at most, and note the job."""
        waits = self._waits(asset)
        planned = plan(self.runtime, self.key, self.iteration) if self._makes(asset) and not waits else None
        self._settle(asset, lambda: planned.inputs if planned else {}, waits)
        if planned and planned.spec:
            self.other_jobs.append({"asset": asset, **entry_of(planned.spec, [])})
        elif self._makes(asset) and waits:
            self._later(asset, name, waits)

    def _later(self, asset: str, name: str, after: Sequence[str]) -> None:
        for job in (ProveParams.kind, name) if name == ResultsParams.kind else (name,):  # what is summed up is proved
            self.other_jobs.append({"asset": asset, "job": job, "id": None, "after": list(after)})

    def _searches(self) -> list[Entry]:
        """The CMA-ES jobs; the games are the most, measuring the candidates included."""
        if not self._makes(names.CMAES_PROFILE):
            self._settle(names.CMAES_PROFILE, dict)
            return []
        now = plan_searches(self.runtime, self.key, self.iteration, self.incumbent)
        self._settle(names.CMAES_PROFILE, lambda: search_inputs(self.runtime, now), self.unsure)
        other = plan_searches(self.runtime, self.key, self.iteration, self.other_incumbent)
        rows = compare(by_name(now), dict.fromkeys(self.unsure, by_name(other)))
        if names.CMAES_PROFILE in self.open:
            proofs = [f"{PROOF_PREFIX}_{number}" for number in range(self.runtime.pipeline.cmaes.proofs)]
            for name in proofs:
                self._later(names.CMAES_PROFILE, name, list(rows))
            self._later(names.CMAES_PROFILE, ResultsParams.kind, proofs)
        return [{**entry_of(spec, after), **most_games(spec)} for spec, after in rows.values()]

    def _profile(self) -> None:
        """Settle the profile; its only job is the proof of an imported one."""
        waits = self._waits(names.HEURISTIC_PROFILES)
        planned = (
            plan_profile(self.runtime, self.key, self.iteration)
            if self._makes(names.HEURISTIC_PROFILES) and not waits
            else None
        )
        self._settle(names.HEURISTIC_PROFILES, lambda: planned.inputs if planned else {}, waits)
        imports = self._makes(names.HEURISTIC_PROFILES) and self.runtime.pipeline.cmaes.import_file is not None
        if names.HEURISTIC_PROFILES not in self.open or not imports:
            return
        spec = import_proof(self.runtime, planned) if planned else None
        if spec:
            self.other_jobs.append({"asset": names.HEURISTIC_PROFILES, **entry_of(spec, [])})
        elif planned is None:
            self._later(names.HEURISTIC_PROFILES, f"{IMPORT_PREFIX}_0", waits)
        if spec or planned is None:
            self._later(names.HEURISTIC_PROFILES, ResultsParams.kind, [f"{IMPORT_PREFIX}_0"])

    def _matches(self) -> tuple[list[Entry], list[Any]]:
        """The matches, and those that are skipped."""
        if not self._makes(names.TOURNAMENT_GAMES):
            self._settle(names.TOURNAMENT_GAMES, dict)
            return [], []
        now, others = self._match_plans()
        partial = self._settle(names.TOURNAMENT_GAMES, lambda: tournament_inputs(now))
        first = by_row(open_matches(now, partial if partial and partial.missing else None))
        plans = {label: by_row(plan.matches) for label, plan in others.items()}
        rows = compare(
            {row: match.spec for row, match in first.items()},
            {label: {row: match.spec for row, match in plan.items()} for label, plan in plans.items()},
        )
        kinds = {row: match.kind for plan in (first, *plans.values()) for row, match in plan.items()}
        shown = []
        for row, (spec, after) in rows.items():
            if kinds[row] == "round_robin":
                after = [*after, *self._earlier(names.TOURNAMENT_GAMES)[-1:]]
            called = {plan[row].spec.name for plan in (first, *plans.values()) if row in plan}
            entry = entry_of(spec, after) | ({} if len(called) == 1 else {"job": row})
            games, gate = planned_games(spec), getattr(params_of(spec), "gate", None) is not None
            shown.append({**entry, "kind": kinds[row], "games": games, "gate": gate})
        if names.TOURNAMENT_GAMES in self.open:
            self._later(names.TOURNAMENT_GAMES, ResultsParams.kind, [entry["job"] for entry in shown])
        return shown, common(now.skipped, *(plan.skipped for plan in others.values()))

    def _match_plans(self) -> tuple[MatchPlan, dict[str, MatchPlan]]:
        """The matches from what stands there now, and for each input that the run makes from another one."""
        store = self.runtime.store
        registry = registry_for(self.runtime, names.TOURNAMENT_GAMES, self.key, self.iteration)
        current, model = self.incumbent, None
        if names.HEURISTIC_PROFILES not in self.open:
            record = store.need(names.HEURISTIC_PROFILES, self.key, self.iteration)
            current = with_profile(current, content_of(record, ProfileContent))
        if names.TRAINED_MODEL not in self.open:
            model = content_of(store.need(names.TRAINED_MODEL, self.key, self.iteration), TrainingOutcome)
        networks = networks_of(registry, self.key, self.iteration, model)
        if model is None:
            kind = self.runtime.pipeline.training.network_of(self.key)
            networks = replace(networks, candidate=other_candidate(2, kind))

        def plan(before: Incumbent, current: Incumbent, networks: Networks) -> MatchPlan:
            return plan_tournament(self.runtime, self.key, self.iteration, before, current, networks)

        others, other = {}, self.other_incumbent
        for label in self.unsure:
            others[label] = plan(other, replace(current, tier=other.tier, champion=other.champion), networks)
        if names.HEURISTIC_PROFILES in self.open:
            changed = replace(other, tier=self.incumbent.tier, champion=self.incumbent.champion)
            others[f"{names.HEURISTIC_PROFILES}|{self.iteration:04d}"] = plan(self.incumbent, changed, networks)
        if names.TRAINED_MODEL in self.open:
            without = replace(networks, candidate=None)
            others[f"{names.TRAINED_MODEL}|{self.iteration:04d}"] = plan(self.incumbent, current, without)
        return plan(self.incumbent, current, networks), others
