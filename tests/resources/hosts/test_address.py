"""Addresses as people copy them are understood; what is none is refused when the hosts file is read."""

import pytest

from resources.hosts.address import check_address, split_address
from resources.hosts.host import Host


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("192.0.2.1", ("", "192.0.2.1", "")),
        ("root@192.0.2.1:34567", ("root", "192.0.2.1", "34567")),
        ("root@[2001:db8::7]", ("root", "2001:db8::7", "")),
        ("[2001:db8::7]:2222", ("", "2001:db8::7", "2222")),
        ("2001:db8::7", ("", "2001:db8::7", "")),
        ("ssh://me@a.example:22/", ("me", "a.example", "22")),
        ("me@b.example@a.example", ("me@b.example", "a.example", "")),
        ("ssh -p 1 root@a", ("", "ssh -p 1 root@a", "")),
        (" a.example ", ("", "a.example", "")),
    ],
)
def test_user_address_and_port_are_told_apart(text, parts):
    assert split_address(text) == parts


@pytest.mark.parametrize("text", ["a", "gate_1.example.", "192.0.2.1", "fe80::1%eth0", "bücher.example"])
def test_names_and_addresses_are_taken(text):
    assert check_address(text) == text


@pytest.mark.parametrize("text", ["a b", "-oProxyCommand=x", "a:b", "a/b", "u@a", "[::1", "https://a", "a\n", "::g"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="write a name or an address"):
        check_address(text)


def test_a_field_of_its_own_that_says_another_thing_is_no_address_to_choose():
    same = Host.model_validate({"name": "aws", "ssh_host": "u@a:2222", "ssh_user": "u", "ssh_port": 2222})
    assert (same.ssh_host, same.ssh_user, same.ssh_port) == ("a", "u", 2222)
    for other in ({"ssh_port": 22}, {"ssh_user": "me"}):
        with pytest.raises(ValueError, match="fields of their own"):
            Host.model_validate({"name": "aws", "ssh_host": "u@a:2222", **other})
