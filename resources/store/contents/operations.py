"""Contents of the report of an iteration and of the use of the hosts."""

from resources.store.contents.base import Content, Number, Row
from ringrift import names
from ringrift.strict import Strict


class SelfplayCounts(Strict):
    """Selfplay jobs that were played, and all of them."""

    dispatched: int
    total: int


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
