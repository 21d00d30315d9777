"""Tuning a config's heuristic profile: the searches to run, the order of their candidates, and the proof of one.

A candidate replaces the current profile only after a gate against it on openings that no search has seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringrift.config import CONFIG_KEYS, Config, other_config_keys, parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.planning.pipeline import Pipeline
from ringrift.players.benchmarks import anchor
from ringrift.players.engines import ENGINES
from ringrift.players.heuristic.profiles import (
    ProfilesFile,
    complete_weights,
    find_profile,
    load_profiles,
    profile_hash,
    trained_profile_name,
)
from ringrift.players.participant import Participant, participant
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.participants import Profiles
from ringrift.stats.sprt import SequentialTest
from ringrift.tuning.cma import consensus

DIFFICULTY = 7  # of the player whose weights are tuned: the heuristic without randomness
CONSENSUS, IMPORT = "consensus", "import"
ALL_KEYS = (*CONFIG_KEYS, *other_config_keys())

Candidate = dict[str, Any]
"""kind (mean, best, consensus, import), replica, weights, hash, and fitness (score, low, high, games) or None."""


def heuristic_player(config: Config, profile: str, profiles: Profiles) -> Participant:
    """The player that shows what weights are worth: the heuristic without randomness, in the config's usual mode."""
    return participant("heuristic", config, DIFFICULTY, randomness=0.0, profile=profile, profiles=profiles)


def panel_of(pipeline: Pipeline, config: Config, incumbent: Participant, profiles: Profiles) -> list[Participant]:
    """Who every generation meets beside itself: incumbent, default, and the pipeline's rungs; each player once.

    Raises InvalidInput for an engine that is not there.
    """
    wanted, engines = [incumbent, anchor(config)], {engine.label: name for name, engine in ENGINES.items()}
    for text in pipeline.cmaes.panel:
        label, _, difficulty = text.rpartition("_D")
        if label not in engines:
            raise InvalidInput("cmaes.panel", text, f"use {{Engine}}_D{{n}}; engines are {', '.join(engines)}")
        wanted.append(participant(engines[label], config, int(difficulty), profiles=profiles))
    return list({player.key: player for player in wanted}.values())


def search_params(
    pipeline: Pipeline, config: Config, iteration: int, profile: str, weights: Mapping[str, float]
) -> list[CmaesParams]:
    """The searches of an iteration from the current profile, one a replica; equal arguments give equal searches.

    Raises InvalidInput for a config without a number of generations.
    """
    settings = pipeline.cmaes
    if config.key not in settings.generations:
        raise InvalidInput("cmaes.generations", sorted(settings.generations), f"give the generations of {config.key}")
    profiles = {profile: complete_weights(weights)}
    incumbent = heuristic_player(config, profile, profiles)
    panel = panel_of(pipeline, config, incumbent, profiles)
    used = {player.profile for player in [incumbent, *panel] if player.profile}
    return [
        CmaesParams(
            config=config.key,
            iteration=iteration,
            replica=replica,
            root_seed=pipeline.root_seed,
            generations=settings.generations[config.key],
            population=pipeline.scaled_population,
            games_per_evaluation=settings.games_per_evaluation,
            sigma=settings.sigma,
            opening_plies=pipeline.selfplay.opening_plies,
            incumbent=incumbent.to_dict(),
            panel=[player.to_dict() for player in panel],
            profiles={name: find_profile(name, profiles) for name in sorted(used)},
        )
        for replica in range(settings.replicas)
    ]


def proof_order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in the order in which they are proved, equal weights once.

    With two or more searches their consensus, the mean of their proposals, comes first: averaging takes away noise
    that no search can see in its own games. The others follow, highest fitness first.
    """
    means = [candidate["weights"] for candidate in candidates if candidate["kind"] == "mean"]
    first: list[Candidate] = []
    if len(means) > 1:
        weights = consensus(means)
        first = [{"kind": CONSENSUS, "replica": None, "weights": weights, "hash": profile_hash(weights)}]
        first[0]["fitness"] = None
    rest = sorted(candidates, key=lambda c: (-c["fitness"]["score"], c["hash"]))
    ordered: dict[str, Candidate] = {}
    for candidate in [*first, *rest]:
        ordered.setdefault(candidate["hash"], candidate)
    return list(ordered.values())


def import_candidate(path: str, config: Config) -> Candidate | None:
    """The config's profile in a file of trained profiles as a candidate, None if the file has only those of others.

    A profile that is named by players alone (`heuristic_v1_2p`) is a candidate of each config with so many players, or
    of that on the board its metadata name. Its fitness was measured elsewhere against something else, so it is kept for
    people and compares with nothing. Raises MissingInput or InvalidInput for the file.
    """
    file = load_profiles(path)
    if not set(file.profiles) & {name for key in ALL_KEYS for name in _import_names(parse_config(key))}:
        problem = f"no profile of a config among {', '.join(sorted(file.profiles)[:10]) or 'none'}"
        raise InvalidInput(f"{path}: profiles", None, f"name it {_import_names(config)[0]}", problem=problem)
    name = next((name for name in _import_names(config) if _is_for(file, name, config)), None)
    if name is None:
        return None
    weights = file.profiles[name]
    found = file.training_metadata.get(name)
    return {
        "kind": IMPORT,
        "replica": None,
        "weights": weights,
        "hash": profile_hash(weights),
        "fitness": None,
        "claimed_fitness": found.fitness if found else None,
    }


def _import_names(config: Config) -> tuple[str, str]:
    """Names under which an import file may have a config's profile: by board and players, or by players alone."""
    return trained_profile_name(config.board, config.players), f"heuristic_v1_{config.players}p"


def _is_for(file: ProfilesFile, name: str, config: Config) -> bool:
    """Whether a profile is in the file and for the config's board, or for none in particular."""
    about = file.training_metadata.get(name)
    by_board = name == trained_profile_name(config.board, config.players)
    return name in file.profiles and (by_board or about is None or about.board in (None, config.board))


def proof_job(
    terms: MatchTerms,
    name: str,
    *,
    candidate: Mapping[str, float],
    profile: str,
    weights: Mapping[str, float],
    gate: SequentialTest,
) -> JobSpec:
    """The gate of a candidate's weights against the current profile, `profile` with its `weights`.

    Its openings hang on the match's `name`, so searches never see them. Raises InvalidInput if the two are equal: such
    a candidate needs no proof.
    """
    config, complete = terms.config, complete_weights(candidate)
    trained = f"{trained_profile_name(config.board, config.players)}_{profile_hash(complete)[:8]}"
    profiles = {profile: complete_weights(weights), trained: complete}
    first, second = (heuristic_player(config, own, profiles) for own in (trained, profile))
    return match_job(replace(terms, profiles=profiles), name, first, second, gate=gate)
