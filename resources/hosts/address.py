"""Addresses of hosts as people copy them, and what can be one."""

import ipaddress
import re

URL = "ssh://"
NAME = re.compile(r"\w([\w.-]*\w)?\.?")  # a host name, or one of ~/.ssh/config
BRACKETED = re.compile(r"\[(.+)\](?::(\d{1,5}))?")
WITH_PORT = re.compile(r"([^:]+):(\d{1,5})")


def split_address(text: str) -> tuple[str, str, str]:
    """User, address and port of `[ssh://][user@]address[:port]`, in which an IPv6 address with a port has brackets.

    What is not there is empty; a text that is none of this is the address as it stands.
    """
    text = text.strip()
    if len(text.split()) > 1:
        return "", text, ""
    rest = text.removeprefix(URL)
    rest = rest.rstrip("/") if rest != text else rest
    user, _, address = rest.rpartition("@")
    found = BRACKETED.fullmatch(address) or WITH_PORT.fullmatch(address)
    return (user, found[1], found[2] or "") if found else (user, address, "")


def check_address(text: str | None) -> str | None:
    """An address that is a name or an IP address, as it stands. Raises ValueError."""
    if text is None or NAME.fullmatch(text):
        return text
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("write a name or an address; user, port and key have fields of their own") from None
    return text
