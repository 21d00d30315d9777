"""Contents of the report of an iteration and of the use of the hosts."""

from typing import Literal

from resources.store.contents.base import Content, Number, Row
from resources.store.contents.matches import MatchStanding
from ringrift import names
from ringrift.strict import Strict


class SelfplayCounts(Strict):
    """Selfplay jobs that were played, and all of them."""

    dispatched: int
    total: int


class ProgressPoint(MatchStanding):
    """The match of an iteration's newest player against the anchor, and whether that was a candidate.

    `champion` is the Elo over the anchor of the champion in force after the iteration, None where none was measured.
    """

    iteration: int
    player: str
    games: int
    candidate: Literal["promoted", "not promoted", "none"]
    champion: Number | None


class PhaseCost(Strict):
    """CPU seconds of the jobs of a phase, in the iteration and in all up to it."""

    phase: str
    cpu_s: Number
    cpu_s_so_far: Number


class Advice(Strict):
    """Where the next hour is best spent: what is to be done, by which rule, and the facts that the rules looked at."""

    rule: str
    sentence: str
    facts: list[str]


class Progress(Strict):
    """How strong the players are in one unit, Elo over a frozen anchor, and what that took.

    `gain` is what the iteration added to the champion, None where that was not measured. `costs` and
    `advice` are measured, so they differ from run to run.
    """

    anchor: str | None
    points: list[ProgressPoint]
    gain: MatchStanding | None
    costs: list[PhaseCost]
    advice: Advice


class ReportContent(Content):
    """Everything the page of an iteration says, as rows of text and the documented mappings by config or match."""

    ASSET = names.ITERATION_REPORT
    config: str
    iteration: int
    selfplay: SelfplayCounts
    cmaes: dict[str, bool]
    tuning: Row
    proofs: list[Row]
    training: dict[str, bool]
    network: Row
    eval: dict[str, Number]
    promotions: dict[str, str]
    verdicts: list[Row]
    matches: list[Row]
    leaderboard: list[Row]
    jobs: list[Row]
    training_data: Row
    skipped: list[Row]
    partial: list[str]
    progress: Progress | None = None


class HostUse(Strict):
    """The use of a host in percent and its size; without numbers `problem` says why."""

    cpu: Number | None
    mem: Number | None
    disk: Number | None
    gpu: Number | None
    cores: int | None = None
    memory_gb: Number | None = None
    disk_free_gb: Number | None = None
    ready: bool
    problem: str | None


class HostsContent(Content):
    """How busy every host is, by name."""

    ASSET = names.WORKER_RESOURCES
    hosts: dict[str, HostUse]
