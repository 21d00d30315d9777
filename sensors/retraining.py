"""When a config has enough new games, its next training and evaluation are asked for.

Enough are `retrain.new_games`, and as many as loop.growth wants: a network of hardly more games would be about the one
that was judged before.

The decision is a function of what the store and the instance say now; no cursor is kept. New games are counted since
the last model that was really trained, so a training that fails keeps its trigger: it is asked for again, at most
`retrain.tries` times for one count of games.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import content_of
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.learned import learned_games
from resources.store.partition_keys import open_iteration, partition_key
from resources.store.store import Store
from ringrift import names

JOB, COLLECT = "improve", "collect"
DATA = names.TRAINING_DB
INTERVAL_S = 30
COUNT_TAG = "ringrift/retrain"  # on the runs that were asked for: config and count of games
CONFIG_TAG, PARTITION_TAG = "dagster/partition/config", "dagster/partition"
IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, slots=True)
class ConfigState:
    """What is known of a config. `games` are those networks learn from, up to the iteration `collected`.

    `trained` is the iteration of the last model that was really trained and `trained_games` the games there were then.
    `going` names a run that works on it, `ended` are the runs that were asked for at this count and have ended.
    """

    config: str
    min_games: int
    collected: int | None = None
    games: int = 0
    trained: int | None = None
    trained_games: int = 0
    going: str | None = None
    ended: tuple[str, ...] = ()

    @property
    def count(self) -> str:
        """What the run key is made of: `square8_2p:1200`."""
        return f"{self.config}:{self.games}"


@dataclass(frozen=True, slots=True)
class Request:
    """A run of `improve` to ask for. Equal keys are one request, however often it is made."""

    config: str
    iteration: int
    run_key: str
    count: str


@dataclass(frozen=True, slots=True)
class RetrainingPlan:
    """What to ask for, and for each other config one line that says why not."""

    requests: list[Request]
    waiting: list[str]


def plan_retraining(states: Iterable[ConfigState], new_games: int, tries: int, growth: float = 1.0) -> RetrainingPlan:
    """Which configs to train: enough new games, enough in all, no model yet, nothing in progress.

    Enough new games are `new_games`, and growth - 1 times those of the last training.
    """
    decision = RetrainingPlan([], [])
    for state in states:
        if why := _waits(state, max(new_games, round((growth - 1) * state.trained_games)), tries):
            decision.waiting.append(f"{state.config}: {why}")
            continue
        assert state.collected is not None  # else it waits
        key = f"retrain:{state.count}:{len(state.ended) + 1}"
        decision.requests.append(Request(state.config, state.collected, key, state.count))
    return decision


def _waits(state: ConfigState, new_games: int, tries: int) -> str | None:
    """Why a config is not trained now, or None."""
    new = state.games - state.trained_games
    if state.collected is None:
        return "no training set yet"
    if state.going:
        return f"run {state.going} is at work"
    if state.trained is not None and state.trained >= state.collected:
        return f"iteration {state.trained} is trained already; collect the next one"
    if state.games < state.min_games:
        return f"{state.games} of {state.min_games} games for a first model"
    if new < new_games:
        return f"{new} of {new_games} new games"
    if len(state.ended) >= tries:
        return f"{len(state.ended)} runs at {state.games} games ended without a model, last {state.ended[-1]}; see it"
    return None


def state_of(runtime: Runtime, instance: dg.DagsterInstance, config: str) -> ConfigState:
    """A config as the store and the instance know it."""
    store, min_games = runtime.store, runtime.pipeline.training.min_games.get(config, 1)
    sets = [record for record in store.upto(DATA, config, names.LAST_ITERATION) if not record.missing]
    if not sets:
        return ConfigState(config, min_games)
    models = _trained(store, config)
    newest = sets[-1].iteration
    games = learned_games(store, runtime.pipeline, config, newest)
    count = ConfigState(config, min_games, newest, games).count
    return ConfigState(
        config=config,
        min_games=min_games,
        collected=newest,
        games=games,
        trained=models[-1][0] if models else None,
        trained_games=models[-1][1].have if models else 0,
        going=_going(instance, config, newest),
        ended=_ended(instance, count),
    )


def _trained(store: Store, config: str) -> list[tuple[int, ModelContent]]:
    """The iterations that have trained a model, ascending."""
    records = store.upto(names.TRAINED_MODEL, config, names.LAST_ITERATION)
    outcomes = [(record.iteration, content_of(record, TrainingOutcome)) for record in records]
    return [(iteration, outcome) for iteration, outcome in outcomes if isinstance(outcome, ModelContent)]


def _going(instance: dg.DagsterInstance, config: str, iteration: int) -> str | None:
    """A run in progress on this partition, or one that judges another iteration of the config."""
    partition = str(partition_key(config, iteration))
    for run in instance.get_runs(dg.RunsFilter(tags={CONFIG_TAG: config}, statuses=IN_PROGRESS)):
        if run.job_name != COLLECT or run.tags.get(PARTITION_TAG) == partition:
            return run.run_id[:8]
    return None


def _ended(instance: dg.DagsterInstance, count: str) -> tuple[str, ...]:
    """Runs that were asked for at this count of games and have ended, oldest first."""
    runs = instance.get_runs(dg.RunsFilter(tags={COUNT_TAG: count}, statuses=ENDED))
    return tuple(run.run_id[:8] for run in reversed(runs))


@dg.sensor(
    job_name=JOB,
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Requests `improve` (train, evaluate, decide) for a config once retrain.new_games games are new.",
)
def retraining(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Works on the home and pipeline of this process; a tick without a request says why for each config."""
    runtime = Runtime()
    rules = runtime.pipeline.retrain
    states = [state_of(runtime, context.instance, key) for key in runtime.pipeline.configs]
    decision = plan_retraining(states, rules.new_games, rules.tries, runtime.pipeline.loop.growth)
    for line in decision.waiting:
        context.log.info(line)
    if not decision.requests:
        return dg.SkipReason(tick_message(decision.waiting))
    open_iteration(context.instance, *{request.iteration for request in decision.requests})  # deleted, or never known
    return dg.SensorResult(run_requests=[_run_request(request) for request in decision.requests])


def _run_request(request: Request) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=request.run_key,
        partition_key=partition_key(request.config, request.iteration),
        tags={COUNT_TAG: request.count},
    )


def tick_message(waiting: Sequence[str]) -> str:
    """The tick's one line."""
    return "; ".join(waiting) or "the pipeline has no configs"
