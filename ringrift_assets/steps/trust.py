"""Jobs whose games count: what a host brings home is proved by playing some of it again before it is believed."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from resources.hosts.host import LOCAL, Capability, Host
from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.record import Record
from resources.store.trust import choose, secret, set_apart
from ringrift import names
from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.planning.running import Trust
from ringrift.specs.kinds import params_of
from ringrift.specs.match import MatchParams
from ringrift.specs.params import PlayParams
from ringrift.specs.prove import GAME_PARAMS, Claim, ProveParams, StoredPlan, read_plans
from ringrift.stats.sprt import SequentialTest
from ringrift.stats.trust import sample_size, share_size, turning_games
from ringrift_assets.steps.jobs import need_whole, run_jobs

UNPROVED = "this machine cannot play its games again bit for bit, and trust.gates is `proved`"
ON_A_GPU, OTHER_PROCESSOR = f"networks play on its GPU: {UNPROVED}", f"its processor is of another type: {UNPROVED}"


@dataclass(slots=True)
class Proof:
    """What proving some jobs took: games proved `of` those that came home, CPU seconds, hosts set apart.

    `weaker` are those among the games whose decisions alone were taken again.
    """

    games: int = 0
    weaker: int = 0
    of: int = 0
    cpu_s: float = 0.0
    set_apart: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Proof") -> None:
        """Count what another proof took as well."""
        self.games, self.of, self.cpu_s = self.games + other.games, self.of + other.of, self.cpu_s + other.cpu_s
        self.weaker += other.weaker
        self.set_apart |= other.set_apart

    def to_json(self) -> dict[str, Any]:
        """For the provenance of a partition."""
        cpu_s = round(self.cpu_s, 3)
        weaker = {"weaker": self.weaker} if self.weaker else {}
        return {"games": self.games, **weaker, "of": self.of, "cpu_s": cpu_s, "set_apart": self.set_apart}


def run_proved(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    specs: Sequence[JobSpec],
    *,
    capability: Capability,
    minutes: float | None = None,
) -> tuple[list[JobResult], Proof]:
    """`run_jobs`, and what came home compared with its plan and partly played again on this machine.

    The games of a job that do not hold are set aside with their host, and the job is played again elsewhere. So are
    those of a gate that cannot be played again here (trust.gates), without a word against their host. `minutes` are
    those of all the playing. What was played then is proved, for at most polling.max_phase_minutes. Raises JobFailed as
    run_jobs does, JobLate when the proof ran out of time, and NoEligibleHost when nobody is left who may play.
    """
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    found: dict[str, JobResult] = {}
    proof = Proof()
    unproved: dict[str, str] = {}  # hosts whose games decide nothing here, and why
    todo = list(specs)
    while todo:
        results = []
        for some, apart in _turns(runtime, todo, unproved):
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) / 60
            results += run_jobs(context, runtime, some, capability=capability, minutes=left, apart=apart)
        found |= {result.spec.job_id: result for result in results}
        bad = _prove(context, runtime, [result for result in results if result.shards], proof)
        for result, reason in bad:
            set_apart(runtime.home, result.host, result.spec.job_id, reason)  # before the host is asked for anything
            runtime.set_aside(result)
            proof.set_apart[result.host] = reason
            context.log.warning(
                f"{result.host} is set apart, {result.spec.job_id} is played elsewhere: {reason}. "
                f"`ringrift hosts trust {result.host}` lets it play again"
            )
        again = [result.spec for result, _ in bad]
        for result in results:
            if result.shards and result.spec not in again and (reason := _undecided(runtime, result)):
                runtime.set_aside(result)
                unproved[result.host] = reason
                again.append(result.spec)
                context.log.warning(
                    f"{result.spec.job_id} is played again on another host than {result.host}: {reason}"
                )
        todo = again
    return [found[spec.job_id] for spec in specs], proof


def _turns(
    runtime: Runtime, specs: Sequence[JobSpec], unproved: dict[str, str]
) -> list[tuple[list[JobSpec], dict[str, str]]]:
    """The jobs in turns, each with the hosts that take none of it: gates keep off those whose games prove nothing."""
    gates = [spec for spec in specs if _is_gate(spec)]
    apart = dict(unproved)
    if any(params.models for spec in gates if isinstance(params := params_of(spec), PlayParams)):
        apart |= {host.name: ON_A_GPU for host in runtime.hosts if host.gpu and not host.is_trusted}
    if not gates or not apart or runtime.pipeline.trust.gates == "any":
        return [(list(specs), {})]
    others = [spec for spec in specs if spec not in gates]
    return [*([(others, {})] if others else []), (gates, apart)]


def _undecided(runtime: Runtime, result: JobResult) -> str:
    """Why a gate's games decide nothing, empty if they do or if it is no gate."""
    host = _hosts(runtime).get(result.host)
    trusted = host is not None and host.is_trusted
    if trusted or not _is_gate(result.spec) or runtime.pipeline.trust.gates == "any" or may_be_proved(result, host):
        return ""
    return ON_A_GPU if host is not None and host.gpu else OTHER_PROCESSOR


def _is_gate(spec: JobSpec) -> bool:
    params = params_of(spec)
    return isinstance(params, MatchParams) and params.gate is not None


def _hosts(runtime: Runtime) -> dict[str, Host]:
    return {host.name: host for host in [LOCAL, *runtime.hosts]}


def _prove(
    context: dg.AssetExecutionContext, runtime: Runtime, results: Sequence[JobResult], proof: Proof
) -> list[tuple[JobResult, str]]:
    """The results whose games do not hold, with the reason. Each is a job, which is not done again once it is done."""
    results = [result for result in results if result.spec.kind in GAME_PARAMS]
    if not results:
        return []
    hosts = _hosts(runtime)
    specs = [_job(result.spec, _claim(runtime, result, hosts.get(result.host))) for result in results]
    proved = run_jobs(context, runtime, specs, minutes=runtime.pipeline.polling.max_phase_minutes)
    need_whole(proved)
    bad = []
    for result, job in zip(results, proved, strict=True):
        assert job.manifest is not None  # it is whole
        found = job.manifest.result
        proof.games += found["proved"]
        proof.weaker += 0 if may_be_proved(result, hosts.get(result.host)) else found["proved"]
        proof.of += found["games"]
        proof.cpu_s += found["cpu_s"]
        if found["problems"]:
            bad.append((result, f"{found['problems']} of {found['games']} games do not hold, {found['told'][0]}"))
    return bad


def _job(played: JobSpec, claim: Claim) -> JobSpec:
    """The job that proves what was brought home of another one."""
    config, iteration = played.config, played.iteration
    params = ProveParams(config=config, iteration=iteration, claim=claim)
    return params.spec(asset=played.asset, config=config, iteration=iteration, name=ProveParams.kind)


def plans_of(runtime: Runtime, results: Sequence[JobResult], partial: Record | None = None) -> list[StoredPlan]:
    """The plans of the games that some jobs brought home and of a stored partial partition, as they stand beside games.

    Newer ones come first: a game belongs to the first plan that has planned it.
    """
    hosts = _hosts(runtime)
    plans = [
        StoredPlan(
            kind=result.spec.kind,  # type: ignore[arg-type]  # it is one of them
            params=result.spec.params,
            host=result.host,
            exact=may_be_proved(result, hosts.get(result.host)),
        )
        for result in results
        if result.spec.kind in GAME_PARAMS and result.shards
    ]
    if partial is None or names.PLANS_FILE not in partial.files:
        return plans
    known = [(plan.kind, plan.params) for plan in plans]
    earlier = read_plans(runtime.store.path(partial, names.PLANS_FILE))
    return plans + [plan for plan in earlier if (plan.kind, plan.params) not in known]


def _claim(runtime: Runtime, result: JobResult, host: Host | None) -> Claim:
    """What a host says of a job, and which of its games are played again."""
    shards = [runtime.input_file(path) for path in sorted(result.shards) if path.suffix == ".parquet"]
    said = f"{result.spec.job_id}:{','.join(shard.sha256 for shard in shards)}"
    rankings = _rankings(result)
    size = _size(runtime.pipeline.trust, result, host, rankings)
    return Claim(
        kind=result.spec.kind,  # type: ignore[arg-type]  # it is one of them
        params=result.spec.params,
        shards=shards,
        sample=choose(secret(runtime.home), said, list(rankings), size),
        weaker=None if may_be_proved(result, host) else True,
    )


def may_be_proved(result: JobResult, host: Host | None) -> bool:
    """Whether the same games come out on this machine, bit for bit: not of networks on a GPU or other processors."""
    machine = result.manifest.worker.get("machine") if result.manifest else platform.machine()
    if machine != platform.machine():
        return False
    params = params_of(result.spec)
    networks = isinstance(params, PlayParams) and bool(params.models)
    return not (networks and host is not None and host.gpu)


def _size(trust: Trust, result: JobResult, host: Host | None, rankings: dict[int, list[int] | None]) -> int:
    """How many games of a job are played again."""
    trusted = host is not None and host.is_trusted
    share, least = (trust.trusted_share, 0) if trusted else (trust.share, trust.least)
    size = share_size(len(rankings), share, least)
    params = params_of(result.spec)
    if trusted or not isinstance(params, MatchParams) or params.gate is None:
        return size
    return max(size, gate_sample(params.gate, rankings, parse_config(result.spec.config).players))


def gate_sample(gate: SequentialTest, rankings: dict[int, list[int] | None], players: int) -> int:
    """How many games of a gate are played again before it promotes; 0 if it does not."""
    from ringrift.matches.blocks import verdict_of  # with numba

    if not rankings:
        return 0
    try:
        verdict = verdict_of(rankings, gate, players)
    except InvalidInput:  # no whole block
        return 0
    if not verdict.promoted:
        return 0
    games = len(rankings)
    return sample_size(games, turning_games(verdict.mean, games, gate))


def _rankings(result: JobResult) -> dict[int, list[int] | None]:
    """Ranks of a job's games by index; of shards that are no game sets none, which the proof then says."""
    from ringrift.gamesets.shards import read_shard

    found: dict[int, list[int] | None] = {}
    for path in result.shards:
        try:
            table = read_shard(path)
        except InvalidInput:
            continue
        found |= dict(zip(table["game_index"].to_pylist(), table["ranking"].to_pylist(), strict=True))
    return found
