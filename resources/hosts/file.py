"""Reading the hosts file: every mistake in it becomes one message with file, host, field and allowed values."""

import difflib
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from resources.hosts.host import LOCAL, Host
from resources.store.home import REPOSITORY
from ringrift.errors import InvalidInput
from ringrift.files import user_path
from ringrift.strict import read_document

HOSTS_VARIABLE = "RINGRIFT_HOSTS"
DEFAULT_FILE = REPOSITORY / "config" / "distributed_hosts.yaml"


PYTHON_PATH = "name the interpreter of the host with python_path"
ELSEWHERE = {
    "venv_activate": PYTHON_PATH,
    "venv_path": PYTHON_PATH,
    "vcpus": "write cpus",
    "cpu_cores": "write cpus",
    "user": "write ssh_user",
    "port": "write ssh_port",
    "host": "write ssh_host",
    "hostname": "write ssh_host",
    "notes": "write note",
}
"""Fields that other programs' hosts files have, and what stands for them here."""


class HostsInvalid(InvalidInput):
    """The hosts file is wrong; one message names file, host, field, and the allowed values of every fault."""


def load_hosts(path: Path | None = None) -> list[Host]:
    """Hosts of `path`, else of RINGRIFT_HOSTS, else of config/distributed_hosts.yaml, else LOCAL alone.

    Raises MissingInput if there is no such file, HostsInvalid when something in it is wrong.
    """
    named = os.environ.get(HOSTS_VARIABLE)
    chosen = path or (user_path(named, HOSTS_VARIABLE) if named else None)
    if chosen is None and not DEFAULT_FILE.is_file():
        return [LOCAL]
    file = chosen or DEFAULT_FILE
    data = read_document(file)
    entries = data.get("hosts")
    if not isinstance(entries, dict) or not entries or set(data) != {"hosts"}:
        raise HostsInvalid(str(file), None, problem="write one key, hosts, with a mapping of host name to fields")
    hosts, faults = [], []
    for name, fields in entries.items():
        try:
            hosts.append(_host(name, fields))
        except ValidationError as error:
            faults += [f"{name}.{_fault(item)}" for item in error.errors()] + _class_fault(name, fields, error)
        except InvalidInput as error:
            faults.append(f"{name}.{error}")
    if faults:
        raise HostsInvalid(str(file), None, problem="; ".join(faults))
    return hosts


def profile_hosts(hosts: list[Host]) -> list[Host]:
    """The other machines that play with heuristic weights, and so want the file of trained profiles for people."""
    elsewhere = [host for host in hosts if host.status == "ready" and not host.is_local]
    return [host for host in elsewhere if {"selfplay", "cmaes"} & {*host.allows}]


def _host(name: object, fields: object) -> Host:
    if not isinstance(fields, dict):
        raise InvalidInput("fields", fields, "write a mapping of field to value")
    if "name" in fields:
        raise InvalidInput("name", fields["name"], "the name is the key above the fields")
    host = Host.model_validate({"name": name, **fields})
    _ = host.host_class  # a host whose class nobody can tell is refused here, with the rest of the faults
    return host


def _class_fault(name: object, fields: dict[str, Any], error: ValidationError) -> list[str]:
    """That nobody can tell the host's class, if so: what else is wrong with its fields is told already."""
    wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    if "name" in wrong or "class" in wrong or "ssh_host" in wrong:
        return []
    try:
        _host(name, {field: value for field, value in fields.items() if field not in wrong})
    except InvalidInput as fault:
        return [f"{name}.{fault}"]
    except ValidationError:
        pass
    return []


def _fault(item: Any) -> str:
    """`field: what is wrong; what is allowed`, from one pydantic error."""
    field = str(item["loc"][0]) if item["loc"] else "host"
    if item["type"] == "extra_forbidden":
        known = [("class" if f == "host_class" else f) for f in Host.model_fields if f != "name"]
        if field in ELSEWHERE:
            return f"{field}: this field is not used here; {ELSEWHERE[field]}"
        near = difflib.get_close_matches(field, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        return f"{field}: unknown field; {hint}"
    return f"{field}: {item['input']!r} is not allowed; {item['msg']}"
