"""The hosts file: which machines there are, what each may do, and why one is not eligible for a job."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from resources.hosts.address import check_address, split_address
from ringrift.errors import InvalidInput, RingRiftError

KNOWN_HOSTS_VARIABLE = "RINGRIFT_KNOWN_HOSTS"
PASSPHRASE_VARIABLE = "RINGRIFT_SSH_PASSPHRASE"  # of encrypted key files, where no agent holds the key

HostClass = Literal["local", "mac_cluster", "aws", "lambda_labs", "vast_ai"]
Capability = Literal["selfplay", "cmaes", "nn_training"]
Status = Literal["ready", "disabled", "maintenance", "ssh_key_issue", "offline", "retired", "terminated", "setup"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)

CLASS_PREFIXES: dict[str, HostClass] = {
    "mac": "mac_cluster",
    "aws": "aws",
    "lambda": "lambda_labs",
    "vast": "vast_ai",
}
SSH_PORT = 22
LOOPBACK = ("localhost", "127.0.0.1", "::1")

ROLES: dict[str, tuple[Capability, ...]] = {
    "selfplay": ("selfplay",),
    "selfplay_light": ("selfplay",),
    "cpu_selfplay": ("selfplay",),
    "gpu_selfplay": ("selfplay",),
    "cmaes": ("cmaes",),
    "selfplay_cmaes": ("selfplay", "cmaes"),
    "nn_training": ("nn_training",),
    "nn_training_mps": ("nn_training",),
    "nn_training_primary": ("nn_training",),
    "gpu_training_primary": ("nn_training",),
    "mixed": CAPABILITIES,
    "all": CAPABILITIES,
    "coordinator": (),
}
"""What a host of each role may do. `capabilities` in the file says it directly and wins over the role."""


def expanded(text: str) -> Path:
    """A path with a leading `~` read as the home of its user; left as it is where there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  # Path.expanduser raises then


class NoEligibleHost(RingRiftError):
    """No host may take the job; the message lists every host with its reason."""


def _text(value: Any) -> Any:
    return None if value == "" else value


OptionalText = Annotated[str | None, BeforeValidator(_text)]
Address = Annotated[OptionalText, AfterValidator(check_address)]


class Host(BaseModel):
    """One machine of the hosts file, with the fields a user writes and those that follow from them."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)
    ssh_host: Address = None
    ssh_user: Annotated[OptionalText, Field(pattern=r"^[^\s-]\S*$")] = None
    ssh_port: int = Field(default=SSH_PORT, ge=1, le=65535, strict=True)
    ssh_key: OptionalText = None
    ringrift_path: OptionalText = None
    python_path: OptionalText = None
    memory_gb: float | None = Field(default=None, gt=0, strict=True, allow_inf_nan=False)
    cpus: int | None = Field(default=None, ge=1, strict=True)
    gpu: OptionalText = None
    gpu_vram_gb: float | None = Field(default=None, gt=0, strict=True, allow_inf_nan=False)
    role: Literal[tuple(ROLES)] | None = None  # type: ignore[valid-type]  # the table above is the list
    capabilities: tuple[Capability, ...] | None = None
    trusted: bool | None = Field(default=None, strict=True)
    max_parallel_jobs: int | None = Field(default=None, ge=1, strict=True)
    status: Status = "ready"
    declared_class: HostClass | None = Field(default=None, alias="class")
    tailscale_ip: Address = None
    region: OptionalText = None
    note: OptionalText = None

    @model_validator(mode="before")
    @classmethod
    def _split_address(cls, data: Any) -> Any:
        """`ssh_host` may hold user and port too, as people copy it, unless their own fields say another thing."""
        host = data.get("ssh_host") if isinstance(data, dict) else None
        if not isinstance(host, str):
            return data
        user, address, port = split_address(host)
        parts: dict[str, Any] = {"ssh_user": user} if user else {}
        parts |= {"ssh_port": int(port)} if port else {}
        other = any(data.get(name) not in (None, "", value) for name, value in parts.items())
        return data if other else {**data, **parts, "ssh_host": address or None}

    @property
    def address(self) -> str | None:
        """Where SSH connects: the Tailscale address when there is one. None for the local machine."""
        return self.tailscale_ip or self.ssh_host

    @property
    def port(self) -> int:
        """The port at `address`: Tailscale is reached at 22, whatever port is forwarded at ssh_host."""
        return SSH_PORT if self.tailscale_ip else self.ssh_port

    @property
    def is_local(self) -> bool:
        """True when jobs start as processes of this machine, without SSH."""
        return self.host_class == "local"

    @property
    def is_trusted(self) -> bool:
        """Whether few of its games are played again: what the file says, else that it is this machine."""
        return self.is_local if self.trusted is None else self.trusted

    @property
    def host_class(self) -> HostClass:
        """The host class: explicit, else from the name or role. Raises InvalidInput when neither tells."""
        if self.declared_class:
            return self.declared_class
        if self.address is None or self.ssh_host in LOOPBACK:
            return "local"
        for text in (self.name, self.role or ""):
            for prefix, known in CLASS_PREFIXES.items():
                if text.lower().startswith(prefix):
                    return known
        allowed = ", ".join(get_args(HostClass))
        raise InvalidInput("class", None, f"the name does not tell the class; set class to one of {allowed}")

    @property
    def allows(self) -> tuple[Capability, ...]:
        """What this host may do: its capabilities, else its role's, else everything if it is local."""
        if self.capabilities is not None:
            return self.capabilities
        if self.role is not None:
            return ROLES[self.role]
        return CAPABILITIES if self.is_local else ()

    def ineligible_reason(
        self,
        capability: Capability,
        *,
        remote: bool = True,
        memory_gb: float = 0,
        host_class: HostClass | None = None,
    ) -> str | None:
        """Why this host does not take a job, or None when it does. `remote=False` leaves SSH hosts out."""
        if host_class is not None and self.host_class != host_class:
            return f"its class is {self.host_class} and only {host_class} is in use"
        if self.status != "ready":
            return f"status is {self.status}" + (f" ({self.note})" if self.note else "")
        if capability not in self.allows:
            given = ", ".join(self.allows) or "nothing"
            source = "capabilities" if self.capabilities is not None else f"role {self.role or 'not set'}"
            return f"it may do {given} ({source}), not {capability}"
        if self.memory_gb is not None and self.memory_gb < memory_gb:
            return f"it has {self.memory_gb:g} GB of memory, the job needs {memory_gb:g}"
        if not self.is_local and not remote:
            return "it is reached by SSH and only local hosts are in use"
        if self.ssh_key and not expanded(self.ssh_key).is_file():
            return f"its ssh_key {self.ssh_key} does not exist here"
        return None


LOCAL = Host(name="local", role="all")
"""The embedded default: this machine, every capability, as many jobs at once as it has cores."""


def eligible(
    hosts: list[Host],
    capability: Capability,
    *,
    remote: bool = True,
    memory_gb: float = 0,
    host_class: HostClass | None = None,
    apart: Mapping[str, object] | None = None,
) -> list[Host]:
    """The hosts that may take a job. Raises NoEligibleHost, with every host's reason, when there is none.

    `apart` holds why some hosts take none at all, by name.
    """
    reasons = {
        host.name: str(apart[host.name])
        if apart and host.name in apart
        else host.ineligible_reason(capability, remote=remote, memory_gb=memory_gb, host_class=host_class)
        for host in hosts
    }
    chosen = [host for host in hosts if reasons[host.name] is None]
    if not chosen:
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise NoEligibleHost(f"no eligible host for {capability} because {listed}")
    return chosen


def check_class(text: str | None) -> HostClass | None:
    """A host class that somebody typed; None and nothing are no choice. Raises InvalidInput."""
    if not text:
        return None
    if text not in get_args(HostClass):
        raise InvalidInput("host class", text, f"use one of {', '.join(get_args(HostClass))}")
    return text  # type: ignore[return-value]
