"""The matches of an iteration: documented match-ups, the match for the next tier, and a round robin for ratings."""

from collections.abc import Mapping, Sequence
from math import ceil, comb
from typing import Any, Literal, NamedTuple

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.entrants import Rated, field_of
from ringrift.planning.gate import gate_of
from ringrift.planning.jobs import match_job, round_robin_job
from ringrift.planning.pipeline import Pipeline
from ringrift.players import benchmarks
from ringrift.players.engines import ENGINE_MODES, ENGINES, NETWORK_DIFFICULTY, NETWORK_ENGINE
from ringrift.players.participant import Participant, participant
from ringrift.specs.participants import Profiles
from ringrift.stats.pairing import choose_tables

MatchKind = Literal["matchup", "champion", "tier", "round_robin"]
ROUND_ROBIN, CANDIDATE = "round_robin", "candidate"
REFERENCE_DIFFICULTY = 5  # of the reference search: its budget


class PlannedMatch(NamedTuple):
    """A match to play. `title` is its documented name, for example `Heuristic5_vs_MCTS6_Square8`."""

    spec: JobSpec
    kind: MatchKind
    title: str


class SkippedMatch(NamedTuple):
    """A match that is not played, and why."""

    match: str
    reason: str


class MatchPlan(NamedTuple):
    matches: list[PlannedMatch]
    skipped: list[SkippedMatch]


class _NotAvailable(Exception):
    """An engine that is known but not there yet; the reason is its text."""


def plan_matches(
    pipeline: Pipeline,
    config: Config,
    iteration: int,
    force: Mapping[str, Any],
    *,
    profiles: Profiles | None = None,
    rated: Rated | None = None,
    champion: ModelFile | None = None,
    candidate: ModelFile | None = None,
    no_candidate: str = "there is no candidate",
    models: Sequence[ModelFile] = (),
    salt: str = "",
) -> MatchPlan:
    """The matches of a config in an iteration, and those that cannot be played with the reason.

    `force` is the incumbent: `profile` and `tier`; `champion` is the network in force, which Gumbel_D{n} plays with;
    `candidate` is this iteration's network, or `no_candidate` says why there is none; `models` are all networks that
    may play on; `rated` are the newest ratings of earlier iterations, which choose the tables of the round robin. Equal
    arguments give equal specs. Nobody plays in the place of an engine that is not there. Raises InvalidInput for a rung
    or tier that does not exist.
    """
    plan = MatchPlan([], [])
    common: dict[str, Any] = {
        "iteration": iteration,
        "root_seed": pipeline.root_seed,
        "opening_plies": pipeline.selfplay.opening_plies,
        "profiles": profiles,
        "models": [*models, *(model for model in (champion, candidate) if model)],
        "salt": salt,
    }
    taken: set[str] = set()
    for matchup in pipeline.evaluation.matchups:
        if matchup.config != config.key:
            continue
        name = base = f"{matchup.first}_vs_{matchup.second}"
        while name in taken:
            name = f"{base}_{sum(other.startswith(base) for other in taken) + 1}"
        taken.add(name)
        try:
            first, second = (rung(text, config, profiles, champion) for text in (matchup.first, matchup.second))
        except _NotAvailable as reason:
            plan.skipped.append(SkippedMatch(name, str(reason)))
            continue
        blocks = ceil(matchup.games / config.players)
        spec = match_job(config=config.key, match=name, first=first, second=second, blocks=blocks, **common)
        plan.matches.append(PlannedMatch(spec, "matchup", title_of(matchup.first, matchup.second, config)))
    if candidate:
        _plan_champion(plan, pipeline, config, force, candidate, champion, common)
    else:
        plan.skipped.append(SkippedMatch(CANDIDATE, no_candidate))
    _plan_tier(plan, pipeline, config, force, champion, common)
    _plan_round_robin(plan, pipeline, config, common, rated, champion)
    return plan


def _plan_champion(
    plan: MatchPlan,
    pipeline: Pipeline,
    config: Config,
    force: Mapping[str, Any],
    candidate: ModelFile,
    champion: ModelFile | None,
    common: dict[str, Any],
) -> None:
    """The gate of the candidate: against the champion with equal simulations a decision, else the reference search."""
    if champion and champion.weights == candidate.weights:
        same = "the candidate is the champion, weight for weight; it needs no gate"
        plan.skipped.append(SkippedMatch(CANDIDATE, same))
        return
    name = f"{CANDIDATE}_vs_champion" if champion else f"{CANDIDATE}_vs_reference"
    first = network_player(pipeline, config, candidate.weights)
    house = network_player(pipeline, config, champion.weights) if champion else None
    second = current_player(config, force, common["profiles"], house)
    spec = match_job(config=config.key, match=name, first=first, second=second, gate=gate_of(pipeline), **common)
    title = title_of("Candidate", "Champion" if champion else second.label, config)
    plan.matches.append(PlannedMatch(spec, "champion", title))


def _plan_tier(
    plan: MatchPlan,
    pipeline: Pipeline,
    config: Config,
    force: Mapping[str, Any],
    champion: ModelFile | None,
    common: dict[str, Any],
) -> None:
    """The gate of the player in force for the next tier, if there is one."""
    tier = force["tier"]
    above = next_tier(pipeline, tier)
    if above is None:
        plan.skipped.append(SkippedMatch(f"tier_{tier}", f"{tier} is the highest tier"))
        return
    name, rival = f"tier_{tier}_to_{above}", f"B{above.removeprefix('D')}"
    if reason := benchmarks.unavailable(rival):
        plan.skipped.append(SkippedMatch(name, reason))
        return
    house = network_player(pipeline, config, champion.weights) if champion else None
    first = current_player(config, force, common["profiles"], house)
    second, gate = benchmarks.benchmark(rival, config), gate_of(pipeline)
    spec = match_job(config=config.key, match=name, first=first, second=second, gate=gate, **common)
    plan.matches.append(PlannedMatch(spec, "tier", title_of(first.label, rival, config)))


def _plan_round_robin(
    plan: MatchPlan,
    pipeline: Pipeline,
    config: Config,
    common: dict[str, Any],
    rated: Rated | None,
    champion: ModelFile | None,
) -> None:
    """The tables that tell most of the entrants; as many as all sets of the pipeline's own players would be.

    Where nobody is rated yet all tables are alike, and each set meets `blocks` times.
    """
    named, wanted = [], pipeline.evaluation.round_robin
    for text in wanted.players:
        try:
            named.append(rung(text, config, common["profiles"], champion))
        except _NotAvailable as reason:
            plan.skipped.append(SkippedMatch(f"{ROUND_ROBIN} with {text}", str(reason)))
    if len(named) < config.players:
        plan.skipped.append(SkippedMatch(ROUND_ROBIN, f"{len(named)} of its players are available"))
        return
    field = field_of(named, rated, common["profiles"], {model.weights for model in common["models"]})
    plan.skipped.extend(SkippedMatch(f"{ROUND_ROBIN} with {name}", why) for name, why in field.left_out.items())
    count = comb(len(named), config.players) * wanted.blocks
    tables = choose_tables(field.ratings, field.covariance, players=config.players, count=count)
    spec = round_robin_job(config=config, match=ROUND_ROBIN, entrants=field.entrants, tables=tables, **common)
    plan.matches.append(PlannedMatch(spec, "round_robin", f"RoundRobin_{_board_title(config)}"))


def rung(text: str, config: Config, profiles: Profiles | None = None, champion: ModelFile | None = None) -> Participant:
    """The participant `{Engine}_D{n}` names. Raises InvalidInput for an engine nobody knows."""
    label, _, difficulty = text.rpartition("_D")
    for name, engine in ENGINES.items():
        if engine.label == label and not engine.network:
            return participant(name, config, int(difficulty), profiles=profiles)
        if engine.label == label:
            if champion is None:
                raise _NotAvailable(f"the engine {label} plays with a champion network; there is none yet")
            return participant(name, config, int(difficulty), model=champion.weights)
    if f"{label.lower()}-only" not in ENGINE_MODES:
        raise InvalidInput("player", text, f"use {{Engine}}_D{{n}}; engines are {_labels()}")
    raise _NotAvailable(f"the engine {label} is not available; there are {_labels()}")


def _labels() -> str:
    return ", ".join(engine.label for engine in ENGINES.values())


def network_player(pipeline: Pipeline, config: Config, weights: str) -> Participant:
    """The network of these weights as it is judged: no noise, `evaluation.network_simulations` a decision."""
    budget = pipeline.evaluation.network_simulations
    return participant(NETWORK_ENGINE, config, NETWORK_DIFFICULTY, budget=budget, model=weights)


def current_player(
    config: Config, force: Mapping[str, Any], profiles: Profiles | None = None, champion: Participant | None = None
) -> Participant:
    """Who plays for the house: the champion (network_player), else the reference search with the incumbent profile.

    The reference is descent without randomness. A new champion plays for the house from the next iteration on.
    """
    if champion:
        return champion
    return participant(
        "descent", config, REFERENCE_DIFFICULTY, randomness=0.0, profile=force["profile"], profiles=profiles
    )


def next_tier(pipeline: Pipeline, tier: str) -> str | None:
    """The tier above, None at the top. Raises InvalidInput for a tier that is not on the ladder."""
    ladder = [str(step) for step in pipeline.tiers.ladder]
    if tier not in ladder:
        raise InvalidInput("tier", tier, f"the pipeline's ladder is {', '.join(ladder)}")
    return next(iter(ladder[ladder.index(tier) + 1 :]), None)


def title_of(first: str, second: str, config: Config) -> str:
    """Documented name of a match, for example `Heuristic5_vs_MCTS6_Square8`; more seats are named at the end."""
    return f"{first.replace('_D', '')}_vs_{second.replace('_D', '')}_{_board_title(config)}"


def _board_title(config: Config) -> str:
    seats = "" if config.players == 2 else f"_{config.players}p"
    return BOARDS[config.board].title + seats


def alias(player: Participant, config: Config) -> str:
    """The name people read: `Heuristic_D5` for the documented player of that label, else with part of its key.

    A network is named by the start of its weights hash, its identity.
    """
    if player.model is not None:
        return f"{player.label}#{player.model[:8]}"
    documented = participant(player.engine, config, player.difficulty)
    return player.label if documented.key == player.key else f"{player.label}#{player.key[:6]}"
