"""Planning the selfplay chunks of an iteration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ringrift.config import Config
from ringrift.jobs.contract import JobSpec
from ringrift.planning.incumbent import Incumbent, baseline_incumbent
from ringrift.planning.pipeline import Pipeline, SelfplayJob
from ringrift.players import ladder
from ringrift.players.engines import (
    ENGINES,
    NETWORK_DIFFICULTY,
    NETWORK_MODE,
    available_engine_modes,
    engine_of_mode,
    usual_difficulty,
)
from ringrift.players.ladder import rung
from ringrift.players.participant import Participant, participant
from ringrift.specs.participants import by_weights, models_of
from ringrift.specs.selfplay import ASSET, SelfplayParams

MIXED_TOP = 10  # `mixed` draws among the available rungs from D1 to here; an engine on no rung is not in it
NETWORK_TEMPERATURE, FULL_SHARE = 1.0, 0.25  # of nn-only games: Gumbel noise, playout cap randomization (KataGo)


class Skipped(NamedTuple):
    """A job that is not played, and why."""

    job: str
    engine: str
    reason: str


class Plan(NamedTuple):
    jobs: list[JobSpec]
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfplayInputs:
    """What the selfplay games of an iteration follow from, beside the pipeline.

    The incumbent's tier is the difficulty of jobs that name none; nn-only jobs and the rungs D9 and D10 play with its
    champion. `missing` (job name → game indices) restricts the plan to these games.
    """

    incumbent: Incumbent = field(default_factory=baseline_incumbent)
    missing: Mapping[str, Iterable[int]] | None = None
    salt: str = ""  # another one gives fresh jobs


def plan_jobs(pipeline: Pipeline, config: Config, iteration: int, inputs: SelfplayInputs | None = None) -> Plan:
    """The chunks of a config's selfplay jobs in an iteration, and the jobs whose engine is not available.

    Equal arguments give equal specs, hence equal job ids. Without `inputs` it is planned for the baseline incumbent.
    """
    plan, inputs = Plan([], []), inputs or SelfplayInputs()
    missing = inputs.missing
    champion, profiles = inputs.incumbent.champion, inputs.incumbent.profiles
    available = available_engine_modes(champion=champion is not None)
    for job in pipeline.jobs_of(config.key):
        wanted = range(pipeline.scaled_games(job)) if missing is None else missing.get(job.name, ())
        runs = _runs(wanted, pipeline.selfplay.chunk_games)
        if not runs:
            continue
        if job.engine not in available:
            reason = f"the engine is not available; there are {', '.join(available)}"
            if job.engine == NETWORK_MODE:
                reason = f"{NETWORK_MODE} plays with a champion network; there is none yet"
            plan.skipped.append(Skipped(job.name, job.engine, reason))
            continue
        pool = _pool(job, config, inputs.incumbent)
        used = {name: weights for name, weights in profiles.items() if name in _profiles(pool)}
        opening = pipeline.selfplay.opening_plies if job.opening_plies is None else job.opening_plies
        for first, games in runs:
            params = SelfplayParams(
                config=config.key,
                iteration=iteration,
                job=job.name,
                engine=job.engine,
                first_game=first,
                games=games,
                root_seed=pipeline.root_seed,
                opening_plies=opening,
                pool=[seat.to_dict() for seat in pool],
                profiles=used,
                models=models_of(pool, by_weights([champion] if champion else [])) or None,
            )
            name = f"{job.name}.{first:06d}"
            plan.jobs.append(
                params.spec(asset=ASSET, config=config.key, iteration=iteration, name=name, salt=inputs.salt)
            )
    return plan


def _runs(indices: Iterable[int], most: int) -> list[tuple[int, int]]:
    """(first, count) of the runs of consecutive indices, cut so that no run crosses a multiple of `most`."""
    runs: list[tuple[int, int]] = []
    for index in sorted(set(indices)):
        if runs and index == sum(runs[-1]) and index % most:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((index, 1))
    return runs


def _profiles(pool: Iterable[Participant]) -> set[str]:
    return {player.profile for player in pool if player.profile is not None}


def _pool(job: SelfplayJob, config: Config, incumbent: Incumbent) -> list[Participant]:
    engine, profiles = engine_of_mode(job.engine), incumbent.profiles
    weights = incumbent.champion.weights if incumbent.champion else None
    if engine is None:
        return [rung(d, config, profiles, weights) for d in ladder.available(config, weights) if d <= MIXED_TOP]
    if ENGINES[engine].network:
        difficulty = job.difficulty or NETWORK_DIFFICULTY
        how: dict[str, Any] = {"temperature": NETWORK_TEMPERATURE, "full_share": FULL_SHARE}
        return [participant(engine, config, difficulty, model=weights, **how)]
    difficulty = int(incumbent.tier.removeprefix("D")) if job.difficulty is None else job.difficulty
    return [participant(engine, config, usual_difficulty(engine, difficulty), profiles=profiles)]
