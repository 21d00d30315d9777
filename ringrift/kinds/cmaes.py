"""The `cmaes` job: one search for better heuristic weights, generation by generation, and what its candidates score.

Each generation is a shard `generation-0007.json` with everything it was: population, tables, fitness. A job that was
killed plays the generation it was in again and ends with the result of an undisturbed one. When the search is over,
its candidates (the proposal, which is the mean, and the best individual of the last generation) meet the incumbent on
fresh common openings: their fitness is that score, not the one they were chosen by. `measured.json` holds it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.files import write_json
from ringrift.jobs.directory import Job
from ringrift.players.heuristic.profiles import profile_hash
from ringrift.specs.cmaes import CmaesParams
from ringrift.strict import parse, read_document
from ringrift.tuning.cma import Search
from ringrift.tuning.schedule import Table, fitness_of, generation_fitness
from ringrift.tuning.tables import StoredGeneration, StoredTable, Tuner

Params: TypeAlias = CmaesParams

MEASURED = "measured.json"
MEAN, BEST = "mean", "best"


def generation_file(number: int) -> str:
    """Name of a generation's shard, counted from 0."""
    return f"generation-{number:04d}.json"


# --- the job ------------------------------------------------------------------------------------------------
def run(job: Job, params: CmaesParams) -> dict[str, Any]:
    """Search the generations that no shard in `out/` holds yet, then measure the candidates.

    Returns `candidates` (kind, weights, hash, fitness against the incumbent with interval and games), `history` (one
    row of numbers a generation), counts of games, and the content digest. Raises InvalidInput for another partition's.
    """
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
        raise InvalidInput(
            path.name, found.fitness, problem="its fitness does not follow from the scores of its tables"
        )
    search.replay([(np.array(found.population), found.fitness)])
    return found
