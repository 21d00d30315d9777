"""The hosts file: which machines there are, what each may do, and why one is not eligible for a job."""

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from resources.storage import REPOSITORY
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.strict import read_document

HOSTS_VARIABLE = "RINGRIFT_HOSTS"
KNOWN_HOSTS_VARIABLE = "RINGRIFT_KNOWN_HOSTS"
PASSPHRASE_VARIABLE = "RINGRIFT_SSH_PASSPHRASE"  # of encrypted key files, where no agent holds the key
DEFAULT_FILE = REPOSITORY / "config" / "distributed_hosts.yaml"

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


class NoEligibleHost(RingRiftError):
    """No host may take the job; the message lists every host with its reason."""


class HostsInvalid(RingRiftError):
    """The hosts file is wrong; one message names file, host, field, and the allowed values of every fault."""


def _text(value: Any) -> Any:
    return None if value == "" else value


OptionalText = Annotated[str | None, BeforeValidator(_text)]


class Host(BaseModel):
    """One machine of the hosts file, with the fields a user writes and those that follow from them."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)
    ssh_host: OptionalText = None
    ssh_user: OptionalText = None
    ssh_port: int = Field(default=22, ge=1, le=65535)
    ssh_key: OptionalText = None
    ringrift_path: OptionalText = None
    python_path: OptionalText = None
    memory_gb: float | None = Field(default=None, gt=0)
    cpus: int | None = Field(default=None, ge=1)
    gpu: OptionalText = None
    gpu_vram_gb: float | None = Field(default=None, gt=0)
    role: Literal[tuple(ROLES)] | None = None  # type: ignore[valid-type]  # the table above is the list
    capabilities: tuple[Capability, ...] | None = None
    max_parallel_jobs: int | None = Field(default=None, ge=1)
    status: Status = "ready"
    host_class: HostClass | None = Field(default=None, alias="class")
    tailscale_ip: OptionalText = None
    region: OptionalText = None
    note: OptionalText = None

    @model_validator(mode="before")
    @classmethod
    def _split_user(cls, data: Any) -> Any:
        """`ssh_host: user@host` means ssh_user and ssh_host."""
        host = data.get("ssh_host") if isinstance(data, dict) else None
        if isinstance(host, str) and "@" in host and not data.get("ssh_user"):
            user, _, rest = host.partition("@")
            return {**data, "ssh_user": user, "ssh_host": rest}
        return data

    @property
    def address(self) -> str | None:
        """Where SSH connects: the Tailscale address when there is one. None for the local machine."""
        return self.tailscale_ip or self.ssh_host

    @property
    def is_local(self) -> bool:
        """True when jobs start as processes of this machine, without SSH."""
        return self.klass == "local"

    @property
    def klass(self) -> HostClass:
        """The host class: explicit, else from the name or role. Raises InvalidInput when neither tells."""
        if self.host_class:
            return self.host_class
        if self.address is None or self.ssh_host in LOOPBACK:
            return "local"
        for text in (self.name, self.role or ""):
            for prefix, known in CLASS_PREFIXES.items():
                if text.lower().startswith(prefix):
                    return known
        allowed = ", ".join(get_args(HostClass))
        raise InvalidInput("class", None, f"the name does not tell the class; set class to one of {allowed}")

    @property
    def may(self) -> tuple[Capability, ...]:
        """What this host may do: its capabilities, else its role's, else everything if it is local."""
        if self.capabilities is not None:
            return self.capabilities
        if self.role is not None:
            return ROLES[self.role]
        return CAPABILITIES if self.is_local else ()

    def refusal(
        self,
        capability: Capability,
        *,
        remote: bool = True,
        memory_gb: float = 0,
        host_class: HostClass | None = None,
    ) -> str | None:
        """Why this host does not take a job, or None when it does. `remote=False` leaves SSH hosts out."""
        if host_class is not None and self.klass != host_class:
            return f"its class is {self.klass} and only {host_class} is in use"
        if self.status != "ready":
            return f"status is {self.status}" + (f" ({self.note})" if self.note else "")
        if capability not in self.may:
            given = ", ".join(self.may) or "nothing"
            source = "capabilities" if self.capabilities is not None else f"role {self.role or 'not set'}"
            return f"it may do {given} ({source}), not {capability}"
        if self.memory_gb is not None and self.memory_gb < memory_gb:
            return f"it has {self.memory_gb:g} GB of memory, the job needs {memory_gb:g}"
        if not self.is_local and not remote:
            return "it is reached by SSH and only local hosts are in use"
        if self.ssh_key and not Path(self.ssh_key).expanduser().is_file():
            return f"its ssh_key {self.ssh_key} does not exist here"
        return None


LOCAL = Host(name="local", role="all")
"""The embedded default: this machine, every capability, as many jobs at once as it has cores."""


def load_hosts(path: Path | None = None) -> list[Host]:
    """Hosts of `path`, else of RINGRIFT_HOSTS, else of config/distributed_hosts.yaml, else LOCAL alone.

    Raises MissingInput if there is no such file, HostsInvalid when something in it is wrong.
    """
    chosen = path or (Path(os.environ[HOSTS_VARIABLE]) if os.environ.get(HOSTS_VARIABLE) else None)
    if chosen is None and not DEFAULT_FILE.is_file():
        return [LOCAL]
    file = chosen or DEFAULT_FILE
    data = read_document(file)
    entries = data.get("hosts")
    if not isinstance(entries, dict) or not entries or set(data) != {"hosts"}:
        raise HostsInvalid(f"{file}: write one key, hosts, with a mapping of host name to fields")
    hosts, faults = [], []
    for name, fields in entries.items():
        try:
            hosts.append(_host(name, fields))
        except ValidationError as error:
            faults += [f"{name}.{_fault(item)}" for item in error.errors()]
        except InvalidInput as error:
            faults.append(f"{name}.{error}")
    if faults:
        raise HostsInvalid(f"{file}: " + "; ".join(faults))
    return hosts


def profile_hosts(hosts: list[Host]) -> list[Host]:
    """The other machines that play with heuristic weights, and so want the file of trained profiles for people."""
    elsewhere = [host for host in hosts if host.status == "ready" and not host.is_local]
    return [host for host in elsewhere if {"selfplay", "cmaes"} & {*host.may}]


def _host(name: object, fields: object) -> Host:
    if not isinstance(fields, dict):
        raise InvalidInput("fields", fields, "write a mapping of field to value")
    if "name" in fields:
        raise InvalidInput("name", fields["name"], "the name is the key above the fields")
    host = Host.model_validate({"name": name, **fields})
    _ = host.klass  # a host whose class nobody can tell is refused here, with the rest of the faults
    return host


def _fault(item: Any) -> str:
    """`field: what is wrong; what is allowed`, from one pydantic error."""
    field = str(item["loc"][0]) if item["loc"] else "host"
    if item["type"] == "extra_forbidden":
        known = [("class" if f == "host_class" else f) for f in Host.model_fields if f != "name"]
        near = difflib.get_close_matches(field, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        return f"{field}: unknown field; {hint}"
    return f"{field}: {item['input']!r} is not allowed; {item['msg']}"


def eligible(
    hosts: list[Host],
    capability: Capability,
    *,
    remote: bool = True,
    memory_gb: float = 0,
    host_class: HostClass | None = None,
) -> list[Host]:
    """The hosts that may take a job. Raises NoEligibleHost, with every host's reason, when there is none."""
    reasons = {
        host.name: host.refusal(capability, remote=remote, memory_gb=memory_gb, host_class=host_class) for host in hosts
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
