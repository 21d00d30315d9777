"""Dagster's SQLite storage with its engines kept.

Dagster makes an SQLAlchemy engine for every statement, and with it compiles the statement anew: about two thirds of
what an event costs. Here each database keeps its engine; connections are still opened and closed each time, and the
files are those of Dagster's own class, so that a home can go either way.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

ENGINES = 32  # of the databases of runs, of which a web server meets many in its time


def engine_of(address: str) -> Engine:
    """An engine for an SQLAlchemy URL. Its pool keeps no connection, so one that is dropped holds nothing."""
    return create_engine(address, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})


class Engines:
    """The engines of the databases that were used last, by their address."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Engine] = OrderedDict()

    def of(self, address: str) -> Engine:
        """The engine of an SQLAlchemy URL, made where it is not kept."""
        engine = self._kept[address] = self._kept.pop(address) if address in self._kept else engine_of(address)
        while len(self._kept) > ENGINES:
            self._kept.popitem(last=False)
        return engine


class EventLogStorage(SqliteEventLogStorage):
    """Events: one database for each run, and an index over all of them."""

    _engines: Engines | None = None

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if self._engines is None:
                self._engines = Engines()
            engine = self._engines.of(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection


class _OneDatabase:
    """What runs and schedules share: one database, whose address their class holds."""

    _conn_string: str
    _engine: Engine | None = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection in a transaction, closed at the end."""
        if self._engine is None:
            self._engine = engine_of(self._conn_string)
        with self._engine.begin() as connection:
            yield connection


class RunStorage(_OneDatabase, SqliteRunStorage):
    """Runs."""


class ScheduleStorage(_OneDatabase, SqliteScheduleStorage):
    """Ticks of schedules and sensors."""


class SqliteStorage(DagsterSqliteStorage):
    """The storage of an instance, for `storage.custom` in dagster.yaml. `base_dir` is DAGSTER_HOME."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self.base_dir = base_dir
        self._inst_data = inst_data
        history = Path(base_dir) / "history"
        self._run_storage = RunStorage.from_local(f"{history}/")
        self._event_log_storage = EventLogStorage(f"{history / 'runs'}/")
        self._schedule_storage = ScheduleStorage.from_local(str(Path(base_dir) / "schedules"))
        DagsterStorage.__init__(self)  # type: ignore[arg-type]  # Dagster's own class leaves it out of its types too

    @classmethod
    def from_config_value(  # type: ignore[override]  # as in Dagster's own class
        cls, inst_data: ConfigurableClassData | None, config_value: SqliteStorageConfig
    ) -> "SqliteStorage":
        """The storage that dagster.yaml asks for."""
        return cls(config_value["base_dir"], inst_data)
