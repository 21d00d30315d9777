"""What the UI's resources page shows of the hosts: one resource for each class, and the fleet over them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from resources.hosts.file import load_hosts
from resources.hosts.host import Capability, Host, HostClass, eligible
from ringrift.errors import RingRiftError


class HostClassResource(dg.ConfigurableResource):
    """The hosts of one class, one line each: address, what they may do, slots, and why one is not in use."""

    hosts: list[str] = Field(default=[], description="Hosts of this class in the hosts file, as of loading.")
    problem: str = Field(default="", description="Problem of the hosts file; empty if none.")


class LocalHosts(HostClassResource):
    """This machine: jobs are its own processes."""


class MacCluster(HostClassResource):
    """Macs reached by SSH."""


class AwsHosts(HostClassResource):
    """Machines of Amazon Web Services, reached by SSH."""


class LambdaLabsHosts(HostClassResource):
    """GPU machines of Lambda Labs, reached by SSH."""


class VastAiHosts(HostClassResource):
    """GPU machines rented through vast.ai, reached by SSH."""


CLASSES: dict[HostClass, type[HostClassResource]] = {
    "local": LocalHosts,
    "mac_cluster": MacCluster,
    "aws": AwsHosts,
    "lambda_labs": LambdaLabsHosts,
    "vast_ai": VastAiHosts,
}


class Fleet(dg.ConfigurableResource):
    """All hosts together. A job goes to one that may do it, has the memory and is ready, by turns in proportion to free
    slots and measured speed; `ringrift hosts check` asks each of them how it is."""

    local: LocalHosts
    mac_cluster: MacCluster
    aws: AwsHosts
    lambda_labs: LambdaLabsHosts
    vast_ai: VastAiHosts

    def eligible(self, capability: Capability, host_class: HostClass | None = None) -> list[Host]:
        """The hosts that may take a job now. Raises NoEligibleHost with every host's reason."""
        return eligible(load_hosts(), capability, host_class=host_class)


def host_resources(load: Callable[[Path | None], Sequence[Host]] = load_hosts) -> dict[str, dg.ConfigurableResource]:
    """Resource key → resource, for Definitions. A hosts file that is wrong is shown and keeps no graph from loading."""
    try:
        hosts, problem = list(load(None)), ""
    except RingRiftError as error:
        hosts, problem = [], str(error)
    found: dict[str, Any] = {
        key: kind(hosts=[line_of(host) for host in hosts if host.host_class == key], problem=problem)
        for key, kind in CLASSES.items()
    }
    return {**found, "fleet": Fleet(**found)}


def line_of(host: Host) -> str:
    """A host in one line."""
    where = "this machine" if host.is_local else f"{host.ssh_user + '@' if host.ssh_user else ''}{host.address}"
    slots = host.max_parallel_jobs or host.cpus
    parts = [where, f"may {', '.join(host.allows) or 'nothing'}", f"{slots or 'a core each'} slots"]
    parts += [f"{host.memory_gb:g} GB"] if host.memory_gb else []
    parts += [host.gpu] if host.gpu else []
    reasons = [why for capability in host.allows if (why := host.ineligible_reason(capability))]
    parts += [f"not in use: {reasons[0]}"] if reasons else []
    return f"{host.name}: {'; '.join(parts)}"
