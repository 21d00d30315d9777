"""How busy every host is now."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from resources.hosts.host import Host
from resources.runtime import Runtime
from resources.store.contents.base import new_content
from resources.store.contents.operations import HostsContent
from resources.store.record import NewVersion, digest_of
from resources.transports.base import HostRefused, HostUnreachable, reason
from resources.views.status import RESOURCES_PLACE
from resources.views.text import resource_block
from ringrift import names
from ringrift.files import write_json
from ringrift_assets.steps.checks import HOSTS_ANSWER, result
from ringrift_assets.steps.metadata import partition_metadata, table
from ringrift_assets.steps.partition import OWNERS, StoredPartition, step_errors

NUMBERS = ("cpu", "mem", "disk", "gpu")


@dg.asset(
    group_name="operations",
    kinds={"json"},
    owners=OWNERS,
    code_version="resources-1",
    check_specs=[
        dg.AssetCheckSpec(HOSTS_ANSWER, asset=names.WORKER_RESOURCES, description="Every ready host answers.")
    ],
)
def worker_resources(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """Utilization of each host of the hosts file: CPU, memory, disk and GPU, in percent.

    It is measured anew each time, so it belongs to no iteration and nothing depends on it. A host that is disabled or
    unreachable is listed with the reason.
    """
    with step_errors():
        with ThreadPoolExecutor(max(len(runtime.hosts), 1)) as pool:  # one that does not answer holds up nobody
            uses = pool.map(lambda host: _use(runtime, host), runtime.hosts)
            hosts = {host.name: use for host, use in zip(runtime.hosts, uses, strict=True)}
        content = new_content(HostsContent, {"hosts": hosts})
        new = NewVersion(
            code_version="resources-1",
            content_digest=digest_of(hosts),
            inputs_digest=digest_of(sorted(hosts)),
            rows=len(hosts),
            data=content.to_json(),
            provenance={"run": context.run.run_id},
        )
        with (
            runtime.store.claim(*RESOURCES_PLACE, run=context.run.run_id),
            runtime.store.draft(*RESOURCES_PLACE) as folder,
        ):
            write_json(folder / names.HOSTS_FILE, hosts)
            # Hosts come and go with the hosts file.
            record = runtime.store.commit(folder, *RESOURCES_PLACE, new, allow_fewer_rows=True)
        context.log.info(resource_block(content.hosts))
        silent = [f"{name}: {use.problem}" for name, use in content.hosts.items() if use.ready and use.problem]
        return dg.MaterializeResult(
            metadata={**_metadata(content), **partition_metadata(runtime, StoredPartition(record, reused=False))},
            check_results=[
                result(HOSTS_ANSWER, not silent, "; ".join(silent), warn=True, numbers={"silent": len(silent)})
            ],
        )


def _use(runtime: Runtime, host: Host) -> dict[str, Any]:
    """The numbers of one host, or `problem`; the same keys for all."""
    nothing = dict.fromkeys(NUMBERS)
    if host.status != "ready":
        return {**nothing, "ready": False, "problem": f"status is {host.status}"}
    if not host.is_local and runtime.where.backend == "local":
        return {**nothing, "ready": False, "problem": "it is reached by SSH and only local hosts are in use"}
    try:
        numbers = runtime.transport(host).probe()
    except (HostUnreachable, HostRefused) as error:
        return {**nothing, "ready": True, "problem": reason(error, host.name)}
    if numbers["gpu"] is None and host.gpu is None:
        numbers["gpu"] = 0.0  # there is none, so nothing of it is in use
    return {**numbers, "ready": True, "problem": None}


def _metadata(content: HostsContent) -> dict[str, Any]:
    """Numbers of each host, which the UI plots over time, and all of it as a table."""
    plotted = {
        f"{name}/{number}": float(value)
        for name, use in content.hosts.items()
        for number in NUMBERS
        if (value := getattr(use, number)) is not None
    }
    rows = [
        {
            "host": name,
            **{number: "" if (value := getattr(use, number)) is None else f"{value:.0f}%" for number in NUMBERS},
            "problem": use.problem or "",
        }
        for name, use in content.hosts.items()
    ]
    return {"hosts_table": table(rows), **plotted}
