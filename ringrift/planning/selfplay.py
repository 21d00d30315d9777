"""Planning the selfplay chunks of an iteration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ringrift.config import Config
from ringrift.jobs.contract import JobSpec
from ringrift.planning.incumbent import Incumbent, baseline_incumbent
from ringrift.planning.pipeline import Pipeline, SelfplayJob
from ringrift.planning.players import at_time, search_player
from ringrift.players import ladder
from ringrift.players.engines import (
    CHAMPION,
    ENGINES,
    NETWORK_DIFFICULTY,
    NETWORK_MODE,
    available_engine_modes,
    engine_of_mode,
    usual_difficulty,
)
from ringrift.players.ladder import rung
from ringrift.players.participant import Participant, at_difficulty, participant
from ringrift.specs.participants import by_weights, models_of
from ringrift.specs.selfplay import ASSET, SelfplayParams

MIXED_TOP = 10  # `mixed` draws among the available rungs from D1 to here; an engine on no rung is not in it
NETWORK_TEMPERATURE, FULL_SHARE = 1.0, 0.25  # of a policy network: Gumbel noise, playout cap randomization (KataGo)


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

    The incumbent's tier is the difficulty of jobs that name none; champion and nn-only jobs and the rungs D9 and D10
    are played by its champion. `have` is the number of earlier games that a network learns from, which loop.growth
    multiplies. `missing` (job name → game indices) restricts the plan to these games.
    """

    incumbent: Incumbent = field(default_factory=baseline_incumbent)
    have: int = 0
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
    counts = games_by_job(pipeline, config, inputs.have)
    for job in pipeline.jobs_of(config.key):
        wanted = range(counts[job.name]) if missing is None else missing.get(job.name, ())
        runs = _runs(wanted, pipeline.selfplay.chunk_games)
        if not runs:
            continue
        if job.engine not in available:
            reason = f"the engine is not available; there are {', '.join(available)}"
            if job.engine == NETWORK_MODE:
                reason = f"{NETWORK_MODE} is played by the champion; there is none yet"
            plan.skipped.append(Skipped(job.name, job.engine, reason))
            continue
        pool = _pool(pipeline, job, config, inputs.incumbent)
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
                models=models_of(pool, by_weights([champion.model] if champion else [])) or None,
            )
            name = f"{job.name}.{first:06d}"
            plan.jobs.append(
                params.spec(asset=ASSET, config=config.key, iteration=iteration, name=name, salt=inputs.salt)
            )
    return plan


def games_by_job(pipeline: Pipeline, config: Config, have: int) -> dict[str, int]:
    """Games of each job of a config in an iteration.

    With loop.growth above 1 the jobs of training.sources (all, where there are none) play more than their numbers, in
    proportion to these, where that is what multiplies the `have` earlier games of theirs by it.
    """
    counts = {job.name: pipeline.scaled_games(job) for job in pipeline.jobs_of(config.key)}
    taught = [job for job in source_jobs(pipeline, config) if job in counts]
    usual = sum(counts[job] for job in taught)
    wanted = min(round((pipeline.loop.growth - 1) * have), pipeline.loop.most_games)
    if wanted > usual > 0:
        counts |= {job: round(counts[job] * wanted / usual) for job in taught}
    return counts


def source_jobs(pipeline: Pipeline, config: Config) -> list[str]:
    """The selfplay jobs of a config whose games a network learns from: those of training.sources, else all."""
    sources = pipeline.training.sources
    return [job.name for job in pipeline.jobs_of(config.key) if sources is None or job.engine in sources]


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


def _pool(pipeline: Pipeline, job: SelfplayJob, config: Config, incumbent: Incumbent) -> list[Participant]:
    """Who may sit in a seat of the job's games."""
    engine, profiles, champion = engine_of_mode(job.engine), incumbent.profiles, incumbent.player
    if job.engine == CHAMPION:
        quick = pipeline.selfplay.decision_ms
        if champion is None:
            return [search_player(pipeline, config, incumbent.profile, profiles, decision_ms=quick)]
        return [_exploring(at_time(pipeline, config, champion, quick))]
    if engine is None:
        return [rung(d, config, profiles, champion) for d in ladder.available(config, champion) if d <= MIXED_TOP]
    if ENGINES[engine].network:
        assert champion is not None  # the mode is available
        return [_exploring(at_difficulty(champion, job.difficulty or NETWORK_DIFFICULTY))]
    difficulty = int(incumbent.tier.removeprefix("D")) if job.difficulty is None else job.difficulty
    return [participant(engine, config, usual_difficulty(engine, difficulty), profiles=profiles)]


def _exploring(champion: Participant) -> Participant:
    """The champion as it plays to learn: a policy-value network with noise and playout cap randomization."""
    if champion.model is None:
        return champion
    return replace(champion, temperature=NETWORK_TEMPERATURE, full_share=FULL_SHARE)
