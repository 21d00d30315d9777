"""pipeline.yaml, the numbers of an iteration. Defaults are the documented ones; a file says what differs."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from ringrift.config import CONFIG_KEYS, ConfigKey, Positive, parse_config
from ringrift.planning import limits
from ringrift.planning.retry import RetryPolicy
from ringrift.planning.running import Polling, Trust
from ringrift.players.engines import EngineMode
from ringrift.specs.train import VALUE, LoopNumbers, ReplayWindow, TrainedNetwork
from ringrift.strict import Strict, parse, read_document

SearchEngine = Literal["minimax", "mcts", "descent"]
PerConfig = dict[ConfigKey, Positive]  # a config left out keeps its documented number

# Games an iteration: (config, engine mode, games) of the 22 documented jobs, in their order.
_JOBS: tuple[tuple[str, EngineMode, int], ...] = (
    ("square8_2p", "mixed", 40),
    ("square8_2p", "heuristic-only", 20),
    ("square8_2p", "minimax-only", 15),
    ("square8_2p", "mcts-only", 15),
    ("square8_2p", "descent-only", 20),
    ("square8_2p", "nn-only", 10),
    ("square8_3p", "mixed", 25),
    ("square8_3p", "heuristic-only", 15),
    ("square8_3p", "descent-only", 15),
    ("square8_4p", "mixed", 20),
    ("square8_4p", "heuristic-only", 10),
    ("square8_4p", "descent-only", 10),
    ("square19_2p", "mixed", 20),
    ("square19_2p", "heuristic-only", 15),
    ("square19_2p", "descent-only", 15),
    ("square19_3p", "mixed", 15),
    ("square19_4p", "mixed", 10),
    ("hexagonal_2p", "mixed", 20),
    ("hexagonal_2p", "heuristic-only", 15),
    ("hexagonal_2p", "descent-only", 15),
    ("hexagonal_3p", "mixed", 15),
    ("hexagonal_4p", "mixed", 10),
)
_MATCHUPS = (
    ("Heuristic_D5", "MCTS_D6", "square8_2p", 10),
    ("Heuristic_D5", "Minimax_D5", "square8_2p", 10),
    ("MCTS_D6", "Minimax_D5", "square8_2p", 10),
    ("Heuristic_D3", "Heuristic_D5", "square8_2p", 8),
    ("MCTS_D5", "MCTS_D7", "square8_2p", 8),
    ("Heuristic_D5", "MCTS_D5", "square19_2p", 6),
    ("Heuristic_D5", "MCTS_D5", "hexagonal_2p", 6),
    ("MCTS_D7", "MCTS_D8", "square8_2p", 6),
)
_ROUND_ROBIN = ("Random_D1", "Heuristic_D2", "Heuristic_D3", "Heuristic_D5", "Heuristic_D7")


def _per_config(square8: tuple[int, int, int], others: tuple[int, int, int]) -> dict[str, int]:
    """The documented numbers of each config, from those for 2, 3, 4 players on square8 and on every other board."""
    configs = [parse_config(key) for key in CONFIG_KEYS]
    return {c.key: (square8 if c.board == "square8" else others)[c.players - 2] for c in configs}


_GENERATIONS = _per_config((15, 12, 10), (12, 10, 8))
_MIN_GAMES = _per_config((100, 50, 40), (50, 30, 20))
_EPOCHS = _per_config((50, 40, 40), (30, 20, 20))


class SelfplayJob(Strict):
    """`games` games of one config by one engine mode, an iteration, before `games_scale`."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    config: ConfigKey
    games: limits.Games
    engine: EngineMode
    difficulty: int | None = Field(default=None, ge=1, le=10)  # None: the incumbent tier's
    opening_plies: int | None = Field(default=None, ge=0, le=6)  # None: selfplay.opening_plies


def _job(config: str, engine: EngineMode, games: int) -> SelfplayJob:
    return SelfplayJob(name=f"{config}_{engine.removesuffix('-only')}", config=config, games=games, engine=engine)


class Selfplay(Strict):
    jobs: list[SelfplayJob] = Field(default_factory=lambda: [_job(*job) for job in _JOBS])
    opening_plies: int = Field(default=4, ge=0, le=6)  # random decisions before the players take over
    decision_ms: float = Field(default=1.0, gt=0, le=60_000)  # CPU time a decision of the engine mode champion
    chunk_games: int = Field(default=200, ge=1, le=200)  # most games one worker process plays
    min_games: Positive = 50  # a phase that runs out of time goes on with so many games, else it fails
    unique_share: float = Field(default=0.98, ge=0, le=1)  # a job with fewer unique games is warned about

    @model_validator(mode="after")
    def _names_differ(self) -> "Selfplay":
        limits.check_different("give each job its own name", [job.name for job in self.jobs])
        return self


class CmaEs(Strict):
    population: int = Field(default=14, ge=4, le=1000, multiple_of=2)  # individuals come in mirrored pairs
    games_per_evaluation: limits.Thousand = 8
    scale: float = Field(default=1.0, gt=0, le=100)  # multiplies the population, and so the games
    replicas: Annotated[int, Field(ge=1, le=100)] = 2  # searches of an iteration, each a job of its own
    proofs: Positive = 2  # candidates that may be refused before the incumbent stays
    panel: list[limits.PanelRung] = Field(
        default_factory=lambda: ["Heuristic_D5"]
    )  # beside the incumbent and the default
    import_file: str | None = None  # a file of trained profiles whose profile is one more candidate
    sigma: float = Field(default=0.5, gt=0)  # first step, in the search's own scaled units
    generations: Annotated[dict[ConfigKey, limits.Thousand], AfterValidator(_GENERATIONS.__or__)] = _GENERATIONS


class ValueTraining(LoopNumbers):
    """Numbers of the loop for value networks, which are small: they learn from larger batches in fewer epochs."""

    batch_size: Positive = 512
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    patience: Positive = 4
    epochs: Positive = 16  # at most; with 8 uses of a row an epoch is half a pass


class Training(LoopNumbers):
    """The numbers of the loop are those of policy-value networks; `value` has those of value networks."""

    kind: TrainedNetwork | dict[ConfigKey, TrainedNetwork] = VALUE  # of each config; those left out keep `value`
    sources: list[EngineMode] | None = Field(default=None, min_length=1)  # modes whose games teach; None: all
    blocks: int = Field(default=4, ge=1, le=40)  # residual blocks of a policy-value network
    channels: int = Field(default=64, ge=8, le=512)
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    value: ValueTraining = Field(default_factory=ValueTraining)
    held_out_share: float = Field(default=0.1, gt=0, lt=1)  # games that judge a model, chosen by their hash
    from_champion: bool = True  # a policy-value network begins with the champion's weights where there is one
    window: ReplayWindow = Field(default_factory=ReplayWindow)
    soft_share: float = Field(default=0.1, ge=0, le=1)  # a model with fewer searched policy targets is warned about
    min_games: Annotated[PerConfig, AfterValidator(_MIN_GAMES.__or__)] = _MIN_GAMES
    epochs: Annotated[PerConfig, AfterValidator(_EPOCHS.__or__)] = _EPOCHS

    def network_of(self, config: str) -> TrainedNetwork:
        """The kind of network that a config trains."""
        return self.kind.get(config, VALUE) if isinstance(self.kind, dict) else self.kind


class Matchup(Strict):
    """`games` games between two rungs of the ladder, named `{Engine}_D{difficulty}`."""

    first: limits.Rung
    second: limits.Rung
    config: ConfigKey
    games: limits.Blocks

    @model_validator(mode="after")
    def _players_differ(self) -> "Matchup":
        limits.check_different("name two players", [self.first, self.second])
        return self


class RoundRobin(Strict):
    """Rungs that enter in every config, so that each has ratings; everybody rated before enters too.

    An iteration plays as many tables as there are sets of these `players` that fill one, times `blocks`.
    """

    players: list[limits.Rung] = Field(default_factory=lambda: list(_ROUND_ROBIN), min_length=4)  # 4: a full table
    blocks: limits.Thousand = 1

    @model_validator(mode="after")
    def _players_differ(self) -> "RoundRobin":
        limits.check_different("name each player once", self.players)
        return self


class Evaluation(Strict):
    matchups: list[Matchup] = Field(
        default_factory=lambda: [Matchup(first=a, second=b, config=c, games=n) for a, b, c, n in _MATCHUPS]
    )
    round_robin: RoundRobin = Field(default_factory=RoundRobin)
    # A decision of policy-value networks; None: as many as take search.decision_ms.
    network_simulations: int | None = Field(default=None, ge=1, le=1024)
    anchor_blocks: int = Field(
        default=25, ge=0, le=limits.MOST_BLOCKS
    )  # of the match that tells progress in one unit; 0 plays none
    elo_start: float = 1500.0
    elo_k: float = Field(default=32.0, gt=0)


class Search(Strict):
    """The search of the reference player, and of the candidates and champions with a value network."""

    engine: SearchEngine = "descent"
    decision_ms: float = Field(default=5.0, gt=0, le=60_000)  # CPU time a decision in matches; budgets follow
    light_finish: bool = True  # beside a network: turns are finished by the light evaluation
    rates: str | None = None  # speeds that `ringrift bench players --rates` has written; None: the package's


class Gate(Strict):
    """Sequential test of a candidate; a block is all seat rotations of one opening."""

    elo0: float = 0.0
    elo1: float = 35.0
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    beta: float = Field(default=0.05, gt=0, lt=0.5)
    min_blocks: limits.Blocks = 16
    max_blocks: limits.Blocks = 256  # undecided after these: not promoted

    @model_validator(mode="after")
    def _is_a_test(self) -> "Gate":
        limits.check_gate(self.model_dump())
        return self


class Tiers(Strict):
    start: limits.Tier = "D2"
    ladder: list[limits.Tier] = Field(default_factory=lambda: list(get_args(limits.Tier)))
    win_rate: float = Field(default=0.55, gt=0, le=1)
    min_games: Positive = 10

    @model_validator(mode="after")
    def _rises(self) -> "Tiers":
        limits.check_ladder(self.ladder, self.start)
        return self


class Retrain(Strict):
    new_games: Positive = 500  # games since the last trained model that start the next one
    tries: Positive = 3  # runs the sensor asks for at one count of games, if they end without a model


class Loop(Strict):
    max_iterations: Positive = 10  # the sensor opens no more iterations than these
    # An iteration plays so many games of training.sources that the store grows by this factor, and at least the
    # numbers of selfplay.jobs; 1 plays these numbers only.
    growth: float = Field(default=1.0, ge=1, le=10)
    most_games: limits.Games = 50_000  # of one iteration, whatever the growth


class Pipeline(Strict):
    """Everything a run of the pipeline is told. Independent of the iteration."""

    root_seed: int = Field(default=1, ge=0, lt=2**63)  # another seed gives another history
    configs: list[ConfigKey] = Field(default_factory=lambda: list(CONFIG_KEYS), min_length=1)
    games_scale: float = Field(default=1.0, gt=0, le=10_000)  # multiplies the games of every selfplay job
    selfplay: Selfplay = Field(default_factory=Selfplay)
    cmaes: CmaEs = Field(default_factory=CmaEs)
    training: Training = Field(default_factory=Training)
    evaluation: Evaluation = Field(default_factory=Evaluation)
    search: Search = Field(default_factory=Search)
    gate: Gate = Field(default_factory=Gate)
    tiers: Tiers = Field(default_factory=Tiers)
    retrain: Retrain = Field(default_factory=Retrain)
    loop: Loop = Field(default_factory=Loop)
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    polling: Polling = Field(default_factory=Polling)
    trust: Trust = Field(default_factory=Trust)

    @model_validator(mode="after")
    def _can_be_played(self) -> "Pipeline":
        limits.check_different("name each config once", self.configs)
        for job in self.selfplay.jobs:
            if self.scaled_games(job) > limits.MOST_GAMES:
                raise ValueError(
                    f"{job.name} plays {self.scaled_games(job)} games, scaled; {limits.MOST_GAMES} are the most"
                )
        if self.scaled_population > 1000:
            raise ValueError(f"cmaes.population is {self.scaled_population}, scaled; 1000 are the most")
        return self

    def scaled_games(self, job: SelfplayJob) -> int:
        """Games a job plays an iteration: its number times `games_scale`, at least one."""
        return max(1, round(job.games * self.games_scale))

    @property
    def scaled_population(self) -> int:
        """Individuals of a CMA-ES generation: the population times `cmaes.scale`, an even number from 4."""
        return max(4, 2 * round(self.cmaes.population * self.cmaes.scale / 2))

    def jobs_of(self, config: str) -> list[SelfplayJob]:
        """The selfplay jobs of a config, in their order."""
        return [job for job in self.selfplay.jobs if job.config == config]


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline in a YAML or JSON file; its search.rates is a path from the folder of the file.

    Raises MissingInput if there is no file, InvalidInput naming the file, the key and what is allowed.
    """
    pipeline = parse(Pipeline, read_document(path), str(path))
    if pipeline.search.rates is None:
        return pipeline
    rates = {"rates": str(path.parent / pipeline.search.rates)}
    return pipeline.model_copy(update={"search": pipeline.search.model_copy(update=rates)})
