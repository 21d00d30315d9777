"""Metadata of a materialization: what every partition shows, tables, pictures, and the step's result."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from resources.runtime import Runtime
from ringrift_assets.steps.partition import StoredPartition


def partition_metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    """Metadata every materialization carries."""
    record = stored.record
    work = record.provenance
    result: dict[str, Any] = {
        "dagster/row_count": record.rows,
        "content_digest": record.content_digest[:16],
        "inputs_digest": record.inputs_digest[:16],
        "reused": stored.reused,
        "files": dg.MetadataValue.path(str(runtime.store.path(record, "").parent)),
    }
    if work.get("run"):
        result["made_by_run"] = dg.MetadataValue.dagster_run(work["run"])
    if "wall_s" in work:
        result |= {
            "duration_s": work["wall_s"],
            "cpu_s": work["cpu_s"],
            "hosts": ", ".join(f"{host} ({n} jobs)" for host, n in work["hosts"].items()),
            "workers": ", ".join(work["workers"]),
        }
    return result


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """Rows as a table of the UI; all rows have the same keys."""
    kinds = {bool: "bool", int: "int", float: "float"}
    first = rows[0] if rows else {}
    columns = [dg.TableColumn(name, kinds.get(type(value), "string")) for name, value in first.items()]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(row)) for row in rows], schema=dg.TableSchema(columns=columns)
    )


def result_of(
    stored: StoredPartition, metadata: Mapping[str, Any], checks: Sequence[dg.AssetCheckResult] = ()
) -> dg.MaterializeResult:
    """The step's result; equal content has an equal data version."""
    return dg.MaterializeResult(
        metadata=dict(metadata),
        data_version=dg.DataVersion(stored.record.content_digest),
        check_results=list(checks),
    )


def picture(title: str, svg: bytes) -> dg.MetadataValue[Any]:
    """An SVG picture, which the UI shows behind a link."""
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg).decode()})")
