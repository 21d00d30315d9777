"""The store of a home: versioned partitions, written whole or not at all.

`store/{asset}/{config}/{iteration}/partition.json` is the record of a partition: which version is current,
its digests, counts and provenance. `v0001/`, `v0002/`… beside it hold the files; a version is never changed
once it has its name, and the record is replaced last, so a reader sees the old version or the new one. The
version before the current one is kept: a reader that has just read the old record still finds its files.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from resources.store.record import NewVersion, Record, StoreDamaged, StoredFile, seal_of
from ringrift import names
from ringrift.errors import MissingInput, RingRiftError
from ringrift.files import lock, write_json
from ringrift.jobs.contract import file_sha256

RECORD, CLAIM = names.RECORD_FILE, "claim.json"


class ClaimHeld(RingRiftError):
    """Another run is writing this partition."""


class FewerRows(RingRiftError):
    """The new version has fewer rows than the current one and nobody said that this is meant."""


class Store:
    """The partitions under one folder. Nothing here decides what to make; it only keeps what was made."""

    def __init__(self, root: Path):
        self.root = root

    def folder(self, asset: str, config: str, iteration: int) -> Path:
        """The partition's own folder; whoever writes the partition writes nowhere else."""
        return self.root / asset / config / f"{iteration:04d}"

    def get(self, asset: str, config: str, iteration: int) -> Record | None:
        """The current record, or None when the partition was never written. Raises StoreDamaged."""
        record = self.read(asset, config, iteration)
        if record is not None and record.seal != seal_of(record.model_dump(mode="json")):
            where = f"{asset} '{config}|{iteration:04d}'"
            how = "was changed by hand" if record.seal else "has no seal (one of an older version has none)"
            raise StoreDamaged(
                f"{self.folder(asset, config, iteration) / RECORD} {how}: restore it, or move the partition aside and "
                f"materialize it again. `ringrift store accept {where} --reason TEXT` takes it as it is"
            )
        return record

    def read(self, asset: str, config: str, iteration: int) -> Record | None:
        """As `get`, whatever its seal says: for who shows or accepts a record that was changed."""
        path = self.folder(asset, config, iteration) / RECORD
        try:
            record = Record.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StoreDamaged(f"{path} does not parse; restore it or move it aside") from error
        if (record.asset, record.config, record.iteration) != (asset, config, iteration):
            raise StoreDamaged(f"{path} is the record of another partition; move it aside")
        return record

    def need(self, asset: str, config: str, iteration: int) -> Record:
        """As `get`, but a partition that was never written raises MissingInput."""
        record = self.get(asset, config, iteration)
        if record is None:
            raise MissingInput(f"{asset} {config}|{iteration:04d} is not in {self.root}; materialize it first")
        return record

    def upto(self, asset: str, config: str, iteration: int) -> list[Record]:
        """The records of iterations ≤ `iteration`, ascending."""
        base = self.root / asset / config
        if not base.is_dir():
            return []
        numbers = sorted(int(p.name) for p in base.iterdir() if re.fullmatch(r"[0-9]{4}", p.name))
        records = (self.get(asset, config, n) for n in numbers if n <= iteration)
        return [record for record in records if record is not None]

    def iterations(self) -> list[int]:
        """The iterations that have a partition of any asset and config, ascending."""
        return sorted({int(path.parent.name) for path in self.root.glob(f"*/*/[0-9][0-9][0-9][0-9]/{RECORD}")})

    def move_aside(self) -> Path | None:
        """Rename the whole store to `store-YYYYmmddTHHMMSS` and start an empty one; None if there was nothing.

        Raises ClaimHeld while a run is writing a partition.
        """
        if not self.root.is_dir() or not any(self.root.iterdir()):
            return None
        for path in self.root.glob(f"*/*/*/{CLAIM}"):
            with path.open("a+", encoding="utf-8") as handle:
                if not lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    handle.seek(0)
                    raise ClaimHeld(_held(str(path.parent.relative_to(self.root)), handle.read()))
        target = self.root.with_name(f"{self.root.name}-{time.strftime('%Y%m%dT%H%M%S')}")
        self.root.rename(target)
        self.root.mkdir()
        return target

    def after(self, asset: str, config: str, iteration: int) -> list[Record]:
        """The records of iterations > `iteration`, ascending."""
        return [r for r in self.upto(asset, config, names.LAST_ITERATION) if r.iteration > iteration]

    def path(self, record: Record, name: str) -> Path:
        """Where a file of the record's version lies."""
        return self.folder(record.asset, record.config, record.iteration) / f"v{record.version:04d}" / name

    def damage(self, record: Record) -> str | None:
        """What is wrong with the files of a record, in words, or None when size and SHA-256 agree for all."""
        for name, entry in record.files.items():
            path = self.path(record, name)
            if not path.is_file():
                return f"{path} is missing"
            if path.stat().st_size != entry.bytes or file_sha256(path) != entry.sha256:
                return f"{path} is not the file that was stored"
        return None

    @contextmanager
    def claim(self, asset: str, config: str, iteration: int, run: str) -> Iterator[None]:
        """Hold the partition for `run`; the operating system frees it when the process ends, however it ends.

        Raises ClaimHeld, naming the run, process and host that hold it.
        """
        folder = self.folder(asset, config, iteration)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / CLAIM).open("a+", encoding="utf-8") as handle:
            if not lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                handle.seek(0)
                raise ClaimHeld(_held(f"{asset} {config}|{iteration:04d}", handle.read()))
            handle.truncate(0)
            who = {"run": run, "pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
            handle.write(json.dumps(who))
            handle.flush()
            try:
                yield
            finally:
                handle.truncate(0)

    @contextmanager
    def draft(self, asset: str, config: str, iteration: int) -> Iterator[Path]:
        """A folder to write the files of a new version in; gone afterwards unless `commit` took it.

        Hold the claim while you draft: drafts of an earlier process that died are removed here.
        """
        folder = self.folder(asset, config, iteration)
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(".draft-*"):
            shutil.rmtree(stale)
        path = folder / f".draft-{uuid4().hex}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def check_rows(self, asset: str, config: str, iteration: int, rows: int) -> None:
        """Raises FewerRows when the stored partition has more than `rows` rows."""
        old = self.get(asset, config, iteration)
        if old is not None and rows < old.rows:
            raise FewerRows(
                f"{asset} {config}|{iteration:04d} has {old.rows} rows and the new version {rows}: nothing was "
                "written. If that is meant, say so with allow_fewer_rows (CLI: --allow-fewer-rows)"
            )

    def commit(
        self,
        draft: Path,
        asset: str,
        config: str,
        iteration: int,
        new: NewVersion,
        *,
        allow_fewer_rows: bool = False,
    ) -> Record:
        """Make the drafted files the current version in one step. Raises FewerRows when rows fall, unless meant."""
        folder = self.folder(asset, config, iteration)
        if not allow_fewer_rows:
            self.check_rows(asset, config, iteration, new.rows)
        old = self.get(asset, config, iteration)
        files = {}
        for path in sorted(draft.iterdir()):
            _fsync(path)
            files[path.name] = StoredFile(bytes=path.stat().st_size, sha256=file_sha256(path))
        _fsync(draft)
        taken = [int(p.name[1:]) for p in folder.iterdir() if re.fullmatch(r"v[0-9]{4,}", p.name)]
        record = Record(
            asset=asset,
            config=config,
            iteration=iteration,
            version=max(taken, default=0) + 1,
            code_version=new.code_version,
            content_digest=new.content_digest,
            inputs_digest=new.inputs_digest,
            rows=new.rows,
            missing=new.missing,
            files=files,
            data=new.data,
            provenance={"written_at": time.time(), **new.provenance},
        ).sealed()
        draft.rename(folder / f"v{record.version:04d}")
        write_json(folder / RECORD, record.model_dump(mode="json"))
        current_and_previous = {record.version, old.version if old else 0}
        for version in set(taken) - current_and_previous:
            shutil.rmtree(folder / f"v{version:04d}")
        return record


def _held(what: str, text: str) -> str:
    """One line that says who holds a claim."""
    try:
        who = json.loads(text)
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(who["since"]))
        holder = f"run {who['run']} (pid {who['pid']} on {who['host']}, since {since})"
    except (json.JSONDecodeError, KeyError, TypeError):
        holder = "another process (it has just taken it)"
    return f"{what} is being written by {holder}; wait for it or terminate that run"


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
