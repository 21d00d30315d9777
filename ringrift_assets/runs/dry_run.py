"""What `ringrift run --dry-run` shows: the jobs of each partition, without doing any of them.

The plans come from the functions by which the assets plan. Where the run itself makes something that a plan needs, the
plan is made twice, from what stands there now and from something else: a job whose id differs between the two is shown
without an id, with what it has to wait for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resources.models.registry import ASSET as MODEL
from resources.runtime import Runtime
from resources.store.phases import STEPS
from resources.store.record import Record
from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec
from ringrift.specs.planned_games import planned_games
from ringrift_assets.assets import ASSETS
from ringrift_assets.assets.cmaes_profile import ASSET as SEARCH
from ringrift_assets.assets.cmaes_profile import PROOF_PREFIX, plan_searches, search_inputs
from ringrift_assets.assets.elo_ratings import ASSET as RATINGS
from ringrift_assets.assets.elo_ratings import plan_ratings
from ringrift_assets.assets.heuristic_profiles import ASSET as PROFILE
from ringrift_assets.assets.heuristic_profiles import IMPORT_PREFIX, import_proof, plan_profile
from ringrift_assets.assets.incumbent import ASSET as INCUMBENT
from ringrift_assets.assets.incumbent import find_incumbent
from ringrift_assets.assets.selfplay_games import ASSET as SELFPLAY
from ringrift_assets.assets.selfplay_games import champion_file, plan_games, plan_inputs
from ringrift_assets.assets.tier_assignment import plan_verdicts
from ringrift_assets.assets.tournament_games import ASSET as MATCHES
from ringrift_assets.assets.tournament_games import (
    GATED,
    RESULTS,
    networks,
    open_matches,
    plan_tournament,
    tournament_inputs,
)
from ringrift_assets.assets.trained_model import least_games, plan_training
from ringrift_assets.assets.training_db import plan_verification
from ringrift_assets.steps.checks import TRAINING_DB
from ringrift_assets.steps.partition import VERDICTS, registry_for, up_to_date

if TYPE_CHECKING:
    from ringrift.jobs.inputs import ModelFile
    from ringrift.planning.matches import MatchPlan, PlannedMatch

GRAPH = {asset.key.path[-1]: asset for asset in ASSETS}
EARLIER = {
    INCUMBENT: (VERDICTS,),
    TRAINING_DB: (TRAINING_DB, MATCHES),
    MODEL: (TRAINING_DB,),
    MATCHES: (INCUMBENT, MODEL, RATINGS),
    RATINGS: (MATCHES, RATINGS),
}
"""What an asset reads of earlier iterations."""

Entry = dict[str, Any]
"""A job as it is shown: `job` its name, `id` (None until all of `after` is made), and more by its kind."""


def show_plans(runtime: Runtime, work: Iterable[tuple[int, Mapping[str, Sequence[str]]]]) -> list[dict[str, Any]]:
    """What a run of some iterations in this order would do, each with the assets to make by config, as JSON."""
    changes: dict[str, dict[str, int]] = {}  # config → asset → the newest iteration in which the run makes it
    plans = []
    for iteration, wanted in work:
        for key, assets in wanted.items():
            before = changes.setdefault(key, {})
            partition = _Partition(runtime, key, iteration, assets, dict(before))
            plans.append(partition.show())
            before |= {asset: iteration for asset in partition.open if asset in assets}
    return plans


class _Partition:
    """A config in an iteration, and how much of it the store holds already as the run would make it.

    `changes` says in which earlier iteration the run makes an asset; `open` are the assets that are not yet what they
    will be, `done` those of the run that are up to date.
    """

    def __init__(
        self, runtime: Runtime, key: str, iteration: int, assets: Sequence[str], changes: Mapping[str, int]
    ) -> None:
        self.runtime, self.key, self.iteration, self.assets, self.changes = runtime, key, iteration, assets, changes
        self.config = parse_config(key)
        self.open: set[str] = set()
        self.done: list[str] = []
        self.other_jobs: list[Entry] = []
        found = find_incumbent(runtime, key, iteration)
        self.unsure = self._earlier(INCUMBENT) if INCUMBENT in assets else []
        stored = self._settle(INCUMBENT, lambda: found.inputs, self.unsure)
        self.incumbent = stored.data if stored and INCUMBENT not in assets else found.content
        self.champion = champion_file(runtime, self.incumbent)

    def show(self) -> dict[str, Any]:
        """What the run would do here, as JSON."""
        games, skipped = self._games()
        self._step(TRAINING_DB, "verify", plan_verification)
        searches = self._searches()
        self._step(MODEL, "train", plan_training)
        self._profile()
        matches, skipped_matches = self._matches()
        self._step(RATINGS, "rate", plan_ratings)
        self._settle(VERDICTS, lambda: plan_verdicts(self.runtime, self.key, self.iteration).inputs)
        stored = self.runtime.store.get(SELFPLAY, self.key, self.iteration)
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
            "training": self._training() if self._makes(MODEL) else None,
            "matches": matches,
            "skipped_matches": skipped_matches,
            "other_jobs": self.other_jobs,
        }

    def _training(self) -> dict[str, int]:
        """Games that are stored for a training, and those it needs; what the iteration plays comes on top."""
        sets = self.runtime.store.upto(TRAINING_DB, self.key, self.iteration)
        have = sum(record.rows for record in sets)
        return {"have": have, "need": least_games(self.runtime.pipeline, self.key)}

    def _makes(self, asset: str) -> bool:
        return asset in self.assets

    def _waits(self, asset: str) -> list[str]:
        """The next partitions that have to be made before this one, each as asset|iteration; none if it can be made."""
        upstream = {dep.path[-1] for dep in GRAPH[asset].dependency_keys} & self.open or {INCUMBENT} & self.open
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

        def plan(incumbent: Mapping[str, Any], champion: "ModelFile | None", missing: Any = None) -> Any:
            return plan_games(self.runtime, self.key, self.iteration, incumbent, champion, missing)

        now = plan(self.incumbent, self.champion)
        partial = self._settle(SELFPLAY, lambda: plan_inputs(now), self.unsure)
        if not self._makes(SELFPLAY):
            return [], []
        if partial and partial.missing:
            now = plan(self.incumbent, self.champion, partial.missing["games"])
        others = {label: plan(self._other_incumbent(), _other_network(1)) for label in self.unsure}
        rows = _rows(_by_name(now.jobs), {label: _by_name(other.jobs) for label, other in others.items()})
        shown = [{**_entry(spec, after), "games": planned_games(spec)} for spec, after in rows.values()]
        return shown, _common(now.skipped, *(other.skipped for other in others.values()))

    def _step(self, asset: str, name: str, plan: Callable[[Runtime, str, int], Any]) -> None:
        """Settle an asset that is made by one job at most, and note the job."""
        waits = self._waits(asset)
        planned = plan(self.runtime, self.key, self.iteration) if self._makes(asset) and not waits else None
        self._settle(asset, lambda: planned.inputs if planned else {}, waits)
        if planned and planned.spec:
            self.other_jobs.append({"asset": asset, **_entry(planned.spec, [])})
        elif self._makes(asset) and waits:
            self._later(asset, name, waits)

    def _later(self, asset: str, name: str, after: Sequence[str]) -> None:
        self.other_jobs.append({"asset": asset, "job": name, "id": None, "after": list(after)})

    def _searches(self) -> list[Entry]:
        """The CMA-ES jobs; the games are the most, measuring the candidates included."""
        if not self._makes(SEARCH):
            self._settle(SEARCH, dict)
            return []
        now = plan_searches(self.runtime, self.key, self.iteration, self.incumbent)
        self._settle(SEARCH, lambda: search_inputs(self.runtime, now), self.unsure)
        other = plan_searches(self.runtime, self.key, self.iteration, self._other_incumbent())
        rows = _rows(_by_name(now), dict.fromkeys(self.unsure, _by_name(other)))
        if SEARCH in self.open:
            proofs = [f"{PROOF_PREFIX}_{number}" for number in range(self.runtime.pipeline.cmaes.proofs)]
            for name in proofs:
                self._later(SEARCH, name, list(rows))
            self._later(SEARCH, RESULTS, proofs)
        return [{**_entry(spec, after), **_most_games(spec)} for spec, after in rows.values()]

    def _profile(self) -> None:
        """Settle the profile; its only job is the proof of an imported one."""
        waits = self._waits(PROFILE)
        planned = plan_profile(self.runtime, self.key, self.iteration) if self._makes(PROFILE) and not waits else None
        self._settle(PROFILE, lambda: planned.inputs if planned else {}, waits)
        if PROFILE not in self.open or not self._makes(PROFILE) or self.runtime.pipeline.cmaes.import_file is None:
            return
        spec = import_proof(self.runtime, planned) if planned else None
        if spec:
            self.other_jobs.append({"asset": PROFILE, **_entry(spec, [])})
        elif planned is None:
            self._later(PROFILE, f"{IMPORT_PREFIX}_0", waits)
        if spec or planned is None:
            self._later(PROFILE, RESULTS, [f"{IMPORT_PREFIX}_0"])

    def _matches(self) -> tuple[list[Entry], list[Any]]:
        """The matches, and those that are skipped."""
        if not self._makes(MATCHES):
            self._settle(MATCHES, dict)
            return [], []
        now, others = self._match_plans()
        partial = self._settle(MATCHES, lambda: tournament_inputs(now))
        first = _by_row(open_matches(now, partial if partial and partial.missing else None))
        plans = {label: _by_row(plan.matches) for label, plan in others.items()}
        rows = _rows(
            {row: match.spec for row, match in first.items()},
            {label: {row: match.spec for row, match in plan.items()} for label, plan in plans.items()},
        )
        kinds = {row: match.kind for plan in (first, *plans.values()) for row, match in plan.items()}
        shown = []
        for row, (spec, after) in rows.items():
            if kinds[row] == "round_robin":
                after = [*after, *self._earlier(MATCHES)[-1:]]
            names = {plan[row].spec.name for plan in (first, *plans.values()) if row in plan}
            entry = _entry(spec, after) | ({} if len(names) == 1 else {"job": row})
            games, gate = planned_games(spec), "gate" in spec.params
            shown.append({**entry, "kind": kinds[row], "games": games, "gate": gate})
        if MATCHES in self.open:
            self._later(MATCHES, RESULTS, [entry["job"] for entry in shown])
        return shown, _common(now.skipped, *(plan.skipped for plan in others.values()))

    def _match_plans(self) -> "tuple[MatchPlan, dict[str, MatchPlan]]":
        """The matches from what stands there now, and for each input that the run makes from another one."""
        store, registry = self.runtime.store, registry_for(self.runtime, MATCHES, self.key, self.iteration)
        tuned = self.incumbent if PROFILE in self.open else store.need(PROFILE, self.key, self.iteration).data
        model = None if MODEL in self.open else store.need(MODEL, self.key, self.iteration).data
        nets = networks(registry, self.key, self.iteration, self.champion, model)
        if model is None:
            nets["candidate"] = _other_network(2)

        def plan(incumbent: Mapping[str, Any], tuned: Mapping[str, Any], nets: Mapping[str, Any]) -> "MatchPlan":
            return plan_tournament(self.runtime, self.key, self.iteration, incumbent, tuned, nets)

        others = {}
        for label in self.unsure:
            others[label] = plan(self._other_incumbent(), tuned, {**nets, "champion": _other_network(1)})
        if PROFILE in self.open:
            others[f"{PROFILE}|{self.iteration:04d}"] = plan(self.incumbent, self._other_incumbent(), nets)
        if MODEL in self.open:
            without = {**nets, "candidate": None}
            others[f"{MODEL}|{self.iteration:04d}"] = plan(self.incumbent, tuned, without)
        return plan(self.incumbent, tuned, nets), others

    def _other_incumbent(self) -> dict[str, Any]:
        """An incumbent that differs in everything a verdict may still change."""
        from ringrift.planning.matches import next_tier
        from ringrift.players.heuristic.profiles import find_profile, profile_hash, trained_profile_name

        name = trained_profile_name(self.config.board, self.config.players)
        weights = {weight: value + 1.0 for weight, value in self.incumbent["profile_weights"].items()}
        weights = find_profile(name, {name: weights})
        return {
            "champion": "other",
            "champion_weights": _other_network(1).weights,
            "tier": next_tier(self.runtime.pipeline, self.incumbent["tier"]) or self.incumbent["tier"],
            "profile": name,
            "profile_hash": profile_hash(weights),
            "profile_weights": weights,
        }


def _other_network(number: int) -> "ModelFile":
    """A network that nobody has trained."""
    from ringrift.jobs.inputs import ModelFile

    return ModelFile(weights=f"{number:064x}", path="models/other.safetensors", sha256="0" * 64)


def _by_name(specs: Iterable[JobSpec]) -> dict[str, JobSpec]:
    return {spec.name: spec for spec in specs}


def _by_row(matches: "Iterable[PlannedMatch]") -> "dict[str, PlannedMatch]":
    """Matches by what they are for: names of the gates follow from who plays."""
    return {match.kind if match.kind in GATED else match.spec.name: match for match in matches}


def _rows(
    now: Mapping[str, JobSpec], others: Mapping[str, Mapping[str, JobSpec]]
) -> dict[str, tuple[JobSpec, list[str]]]:
    """Every job of some plans, with the inputs on which its id hangs: those whose other plan has another id or none."""
    specs = {row: spec for plan in (*reversed(list(others.values())), now) for row, spec in plan.items()}
    order = dict.fromkeys(row for plan in (now, *others.values()) for row in plan)

    def same(row: str, plan: Mapping[str, JobSpec]) -> bool:
        return row in now and row in plan and plan[row].job_id == now[row].job_id

    return {row: (specs[row], [label for label, plan in others.items() if not same(row, plan)]) for row in order}


def _common(first: Sequence[Any], *others: Sequence[Any]) -> list[dict[str, Any]]:
    """The skipped entries that all plans have."""
    return [entry._asdict() for entry in first if all(entry in other for other in others)]


def _entry(spec: JobSpec, after: Sequence[str]) -> Entry:
    return {"job": spec.name, "id": None if after else spec.job_id, "after": list(after)}


def _most_games(spec: JobSpec) -> dict[str, int]:
    params = spec.params
    generations = params["generations"]
    return {
        "generations": generations,
        "games": (generations + 1) * params["population"] * params["games_per_evaluation"],
    }


def print_plans(plans: Sequence[dict[str, Any]]) -> None:
    """The plans as lines of text."""
    for plan in plans:
        print(
            f"{plan['config']}|{plan['iteration']:04d}: {plan['games']} games in {len(plan['jobs'])} jobs on "
            f"{', '.join(plan['hosts'])}; {plan['stored_games']} games are stored"
        )
        if plan["up_to_date"]:
            print(f"  up to date: {', '.join(plan['up_to_date'])}")
        for job in plan["jobs"]:
            print(f"  {_named(job)}: {job['games']} games{_after(job)}")
        for search in plan["searches"]:
            games = f"{search['generations']} generations, at most {search['games']} games"
            print(f"  {_named(search)}: {games}{_after(search)}")
        if training := plan["training"]:
            print(f"  training: {training['have']} games are stored, {training['need']} are needed")
        for match in plan["matches"]:
            print(f"  {_named(match)}: {'at most ' if match['gate'] else ''}{match['games']} games{_after(match)}")
        for job in plan["other_jobs"]:
            print(f"  {_named(job)}{_after(job)}")
        for entry in plan["skipped"]:
            print(f"  skipped {entry['job']}: {entry['reason']}")
        for entry in plan["skipped_matches"]:
            print(f"  skipped {entry['match']}: {entry['reason']}")


def _named(job: Entry) -> str:
    return job["id"] or " ".join(job[name] for name in ("asset", "job") if name in job)


def _after(job: Entry) -> str:
    return f" (its id is known after {', '.join(job['after'])})" if job["after"] else ""
