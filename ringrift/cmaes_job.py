"""The `cmaes` job: one search for better heuristic weights, generation by generation, and what its candidates score.

Each generation is a shard `generation-0007.json` with everything it was: population, tables, fitness. A job that was
killed plays the generation it was in again and ends with the result of an undisturbed one. When the search is over,
its candidates (the proposal, which is the mean, and the best individual of the last generation) meet the incumbent on
fresh common openings: their fitness is that score, not the one they were chosen by. `measured.json` holds it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from ringrift.cmaes import Fitness, Scaled, Search, Table, fitness_of, generation_fitness, scaled, schedule
from ringrift.config import Config, parse_config
from ringrift.contract import JobSpec
from ringrift.errors import InvalidInput
from ringrift.files import write_json
from ringrift.job import Job
from ringrift.pipeline import ConfigKey
from ringrift.players.match import play_match_game
from ringrift.players.registry import Participant
from ringrift.players.weights import complete_weights, profile_hash
from ringrift.ratings import game_scores
from ringrift.rules.game import ranking_of
from ringrift.seeds import seed_number
from ringrift.selfplay import ParticipantDict, Profiles
from ringrift.strict import Strict, parse, read_document
from ringrift.tournament import DEFAULT_OPENING_PLIES

ASSET, KIND = "cmaes_profile", "cmaes"
MEASURED = "measured.json"
MEAN, BEST = "mean", "best"


class CmaesParams(Strict):
    """One search from the incumbent's weights. The panel are fixed players that every generation meets."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    replica: int = Field(default=0, ge=0, le=999)  # searches of one iteration differ by it alone
    root_seed: int = Field(ge=0, lt=2**63)
    generations: int = Field(ge=1, le=1000)
    population: int = Field(ge=4, le=1000, multiple_of=2)
    games_per_evaluation: int = Field(ge=1, le=1000)
    sigma: float = Field(gt=0)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    decision_cap: int | None = Field(default=None, ge=1)
    incumbent: ParticipantDict
    panel: list[ParticipantDict] = Field(min_length=1)
    profiles: dict[str, dict[str, float]]  # weights of the incumbent and the panel by profile name


class StoredTable(Strict):
    opening: int
    entrants: list[int]
    scores: list[float]


class StoredGeneration(Strict):
    """What a generation's shard holds."""

    generation: int
    population: list[list[float]]
    tables: list[StoredTable]
    fitness: list[float]
    games: int
    capped: int
    mean: list[float]
    sigma: float
    summary: dict[str, float | int]


def search_job(params: CmaesParams, *, salt: str = "", asset: str = ASSET) -> JobSpec:
    """The job of a search; equal params are the same job."""
    return JobSpec(
        asset=asset,
        config=params.config,
        iteration=params.iteration,
        name=f"search.{params.replica:03d}",
        kind=KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )


def generation_file(number: int) -> str:
    """Name of a generation's shard, counted from 0."""
    return f"generation-{number:04d}.json"


# --- playing ------------------------------------------------------------------------------------------------


def play_table(
    config: Config,
    entrants: Sequence[Participant],
    seed: int,
    *,
    opening_plies: int,
    cap: int | None,
    profiles: Profiles,
) -> tuple[list[float], int]:
    """(mean score in [0, 1] of each entrant over all rotations of the seats from one opening, games cut off).

    In game r entrant i sits in seat (i + r) % players. All games of all tables of one `seed` open alike.
    """
    n = config.players
    totals, capped = [0.0] * n, 0
    for rotation in range(n):
        seats = [entrants[(seat - rotation) % n] for seat in range(n)]
        key = ("rotation", rotation)
        game = play_match_game(
            config, seats, seed, key, opening_plies=opening_plies, opening_key=(), cap=cap, profiles=profiles
        )
        scores = game_scores(None if game.capped else ranking_of(game.state), n)
        capped += game.capped
        for seat in range(n):
            totals[(seat - rotation) % n] += scores[seat]
    return [total / n for total in totals], capped


class Tuner:
    """What one search plays with: its space, its fixed players, and the seeds of its openings."""

    def __init__(self, params: CmaesParams):
        self.params, self.config = params, parse_config(params.config)
        self.incumbent = Participant.from_dict(params.incumbent)
        self.panel = [Participant.from_dict(member) for member in params.panel]
        if self.incumbent.profile is None:
            raise InvalidInput("incumbent", self.incumbent.label, "a search needs a player with heuristic weights")
        self.profiles = {name: complete_weights(weights) for name, weights in params.profiles.items()}
        if self.incumbent.profile not in self.profiles:
            raise InvalidInput("profiles", sorted(self.profiles), f"give the weights of {self.incumbent.profile}")
        self.space: Scaled = scaled(self.profiles[self.incumbent.profile], self.config.players, self.incumbent.light)

    def search(self) -> Search:
        """The search before its first generation."""
        params = self.params
        return Search(len(self.space.names), params.population, params.sigma, self.seed("sampling"))

    def seed(self, *what: str | int) -> int:
        params = self.params
        return seed_number(params.root_seed, "cmaes", params.config, params.iteration, params.replica, *what)

    def player(self, name: str, weights: Mapping[str, float]) -> Participant:
        """The incumbent's player with other weights, which play under `name`."""
        return replace(self.incumbent, profile=name, profile_hash=profile_hash(weights))

    def play(self, seed: int, entrants: Sequence[Participant], profiles: Profiles) -> tuple[list[float], int]:
        params = self.params
        return play_table(
            self.config, entrants, seed, opening_plies=params.opening_plies, cap=params.decision_cap, profiles=profiles
        )

    def tables(self, generation: int) -> list[Table]:
        params, panel = self.params, len(self.panel)
        return schedule(self.config.players, params.population, params.games_per_evaluation, panel, generation)

    def generation(self, job: Job, number: int, population: np.ndarray) -> tuple[list[StoredTable], int]:
        """(tables with scores, games cut off) of a generation."""
        weights = {f"individual_{i}": self.space.weights(x) for i, x in enumerate(population)}
        players = [self.player(name, given) for name, given in weights.items()]
        profiles, played, capped = {**self.profiles, **weights}, [], 0
        for table in self.tables(number):
            job.check()
            entrants = [players[e] if e >= 0 else self.panel[-1 - e] for e in table.entrants]
            scores, cut = self.play(self.seed("generation", number, table.opening), entrants, profiles)
            played.append(StoredTable(opening=table.opening, entrants=list(table.entrants), scores=scores))
            capped += cut
        return played, capped

    def measure(self, job: Job, candidates: Mapping[str, Mapping[str, float]]) -> dict[str, Fitness]:
        """Fitness of candidates against copies of the incumbent, on common fresh openings.

        Together they play as many games as a generation, at least one block each.
        """
        seats = self.config.players
        blocks = max(1, self.params.population * self.params.games_per_evaluation // (seats * len(candidates)))
        found = {}
        for name, weights in candidates.items():
            player, scores = self.player("candidate", weights), []
            profiles = {**self.profiles, "candidate": dict(weights)}
            for block in range(blocks):
                job.check()
                entrants = [player] + [self.incumbent] * (seats - 1)
                scores.append(self.play(self.seed("measure", block), entrants, profiles)[0][0])
            found[name] = fitness_of(scores, blocks * seats)
        return found


# --- the job ------------------------------------------------------------------------------------------------


def run_cmaes(job: Job, content: dict[str, Any]) -> dict[str, Any]:
    """Job kind `cmaes`: search the generations that no shard in `out/` holds yet, then measure the candidates.

    Returns `candidates` (kind, weights, hash, fitness against the incumbent with interval and games), `history` (one
    row of numbers a generation), counts of games, and the content digest. Raises InvalidInput for bad params.
    """
    params = parse(CmaesParams, content, f"params of {job.spec.name}")
    if (params.config, params.iteration) != (job.spec.config, job.spec.iteration):
        where = f"{job.spec.config}, iteration {job.spec.iteration}"
        raise InvalidInput("params", f"{params.config}, iteration {params.iteration}", f"the job is of {where}")
    tuner = Tuner(params)
    search, generations = _whole_generations(job, tuner)
    if generations:
        job.log(f"{len(generations)} generations are there already")
    for number in range(len(generations), params.generations):
        generations.append(_next_generation(job, tuner, search, number))
        name = generation_file(number)
        write_json(job.out / name, generations[-1].model_dump())
        job.add_shard(name, params.population)
        job.report("progress", done=number + 1, total=params.generations, **generations[-1].summary)
    last = generations[-1]
    points = {MEAN: search.proposal, BEST: np.array(last.population[int(np.argmax(last.fitness))])}
    weights = {kind: tuner.space.weights(x) for kind, x in points.items()}
    measured = tuner.measure(job, weights)
    candidates = [
        {
            "kind": kind,
            "replica": params.replica,
            "weights": given,
            "hash": profile_hash(given),
            "fitness": asdict(measured[kind]),
        }
        for kind, given in weights.items()
    ]
    history = [{"generation": g.generation, **g.summary} for g in generations]
    write_json(job.out / MEASURED, {"candidates": candidates, "history": history})
    job.add_shard(MEASURED, len(candidates))
    searched = sum(g.games for g in generations)
    text = json.dumps([candidates, history], sort_keys=True, separators=(",", ":"))
    return {
        "candidates": candidates,
        "history": history,
        "generations": len(generations),
        "games": searched + sum(fitness.games for fitness in measured.values()),
        "capped": sum(g.capped for g in generations),
        "content_digest": hashlib.sha256(text.encode()).hexdigest(),
    }


def _next_generation(job: Job, tuner: Tuner, search: Search, number: int) -> StoredGeneration:
    population = search.ask()
    tables, capped = tuner.generation(job, number, population)
    scores = [table.scores for table in tables]
    plain = [Table(table.opening, tuple(table.entrants)) for table in tables]
    fitness = [found.score for found in generation_fitness(plain, scores, len(population))]
    search.tell(population, fitness)
    games = len(tables) * tuner.config.players
    return StoredGeneration(
        generation=number,
        population=population.tolist(),
        tables=tables,
        fitness=fitness,
        games=games,
        capped=capped,
        mean=search.mean.tolist(),
        sigma=search.sigma,
        summary={
            "games": games,
            "sigma": search.sigma,
            "moved": float(np.linalg.norm(search.mean)),
            "best_fitness": max(fitness),
            **_against_panel(tables),
        },
    )


def _against_panel(tables: Sequence[StoredTable]) -> dict[str, float]:
    """Mean score of the individuals at tables with a panel member, and its 95 % interval over tables."""
    scores = [
        float(np.mean([score for entrant, score in zip(table.entrants, table.scores, strict=True) if entrant >= 0]))
        for table in tables
        if min(table.entrants) < 0
    ]
    found = fitness_of(scores, len(scores))
    return {"against_panel": found.score, "against_panel_low": found.low, "against_panel_high": found.high}


def _whole_generations(job: Job, tuner: Tuner) -> tuple[Search, list[StoredGeneration]]:
    """The search after the generations of earlier attempts, and these; what does not fit is removed."""
    stored: list[StoredGeneration] = []
    search = tuner.search()
    for number in range(tuner.params.generations):
        path = job.out / generation_file(number)
        if not path.exists():
            break
        try:
            stored.append(_read_generation(path, number, tuner, search))
        except InvalidInput as error:
            job.log(f"{path.name} and those after it are played again: {error}", "WARNING")
            search = tuner.search()  # it may have been asked for the generation that was refused
            search.replay([(np.array(g.population), g.fitness) for g in stored])
            break
        job.add_shard(path.name, tuner.params.population)
    for path in job.out.glob("generation-*.json"):
        if path.name not in {generation_file(g.generation) for g in stored}:
            path.unlink()
    return search, stored


def _read_generation(path: Path, number: int, tuner: Tuner, search: Search) -> StoredGeneration:
    """A stored generation, entered in the search. Raises InvalidInput if it is not the search's."""
    found = parse(StoredGeneration, read_document(path), str(path))
    tables = [Table(table.opening, tuple(table.entrants)) for table in found.tables]
    if found.generation != number or tables != tuner.tables(number):
        raise InvalidInput(path.name, found.generation, "its games are not those of this search")
    fitness = [f.score for f in generation_fitness(tables, [t.scores for t in found.tables], len(found.population))]
    if fitness != found.fitness:
        raise InvalidInput(path.name, "fitness", "it does not follow from the scores of its tables")
    search.replay([(np.array(found.population), found.fitness)])
    return found
