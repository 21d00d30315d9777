"""Playing the tables of a CMA-ES generation, and what a generation's shard holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.directory import Job
from ringrift.players.heuristic.profiles import complete_weights, profile_hash
from ringrift.players.match import play_match_game
from ringrift.players.participant import Participant
from ringrift.rules.game import ranking_of
from ringrift.seeds import seed_number
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.participants import Profiles
from ringrift.stats.results import game_scores
from ringrift.strict import Strict
from ringrift.tuning.cma import Scaled, Search, scaled
from ringrift.tuning.schedule import Fitness, Table, fitness_of, schedule


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
