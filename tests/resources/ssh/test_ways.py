"""Where a host is connected to: Tailscale first, then ssh_host, with what ~/.ssh/config has for that name."""

from pathlib import Path

import pytest

from resources.hosts.host import KNOWN_HOSTS_VARIABLE, Host
from resources.ssh.opening import Timeouts, open_client
from resources.ssh.ways import Way, ways_to
from resources.transports.base import HostUnreachable
from tests.sshd import free_port, known


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh" / "config"


def ways(**fields: object) -> list[Way]:
    return ways_to(Host.model_validate({"name": "aws-1", **fields}))


def test_tailscale_is_at_port_22_and_the_public_address_follows(config):
    found = ways(ssh_host="u@192.0.2.1", ssh_port=34567, tailscale_ip="100.64.0.9")
    assert [way.text for way in found] == ["u@100.64.0.9:22", "u@192.0.2.1:34567"]


def test_the_public_address_is_used_when_tailscale_does_not_answer_and_both_are_named_when_none_does(
    sshd, tmp_path, monkeypatch
):
    known(monkeypatch, sshd)
    open_client(sshd.host("lab", tmp_path, "python3", tailscale_ip="127.0.0.99"), Timeouts(5.0, 5.0)).close()
    nowhere = sshd.host("lab", tmp_path, "python3", port=free_port(), tailscale_ip="127.0.0.99")
    with pytest.raises(HostUnreachable, match=r"127\.0\.0\.99 port 22: .*; 127\.0\.0\.1 port \d+: "):
        open_client(nowhere, Timeouts(5.0, 5.0))


def test_ssh_config_gives_what_the_hosts_file_leaves_open(config, tmp_path):
    (tmp_path / "id").touch()
    config.write_text(
        "Host box\n  HostName 192.0.2.7\n  Port 2200\n  User someone\n  IdentityFile ~/id\n  IdentityFile ~/none\n"
        "  HostKeyAlias known\n  ProxyCommand connect %h %p %r\n"
    )
    assert ways(ssh_host="box") == [
        Way("192.0.2.7", 2200, "someone", (tmp_path / "id",), "known", 22, "connect 192.0.2.7 2200 someone")
    ]
    [own] = ways(ssh_host="me@box", ssh_port=22, ssh_key="~/mine")
    assert (own.text, own.keys, own.command) == ("me@192.0.2.7:22", (tmp_path / "mine",), "connect 192.0.2.7 22 me")
    assert [way.text for way in ways(ssh_host="me@other")] == ["me@other:22"]


@pytest.mark.parametrize(
    ("jumps", "command"),
    [
        ("gate", "ssh -o BatchMode=yes -W box:22 ssh://gate"),
        ("a, me@gate:2222", "ssh -o BatchMode=yes -J a -W box:22 ssh://me@gate:2222"),
        ("none", None),
    ],
)
def test_a_jump_goes_through_the_ssh_client(config, jumps, command):
    config.write_text(f"Host box\n  ProxyJump {jumps}\n")
    assert ways(ssh_host="u@box")[0].command == command


def test_a_connection_goes_through_a_command_whose_last_words_are_told_when_it_fails(
    sshd, config, tmp_path, monkeypatch
):
    known(monkeypatch, sshd)
    host = sshd.host("lab", tmp_path, "python3", ssh_host="box")
    monkeypatch.setenv(KNOWN_HOSTS_VARIABLE, str(tmp_path / "known"))
    (tmp_path / "known").write_text(sshd.known_hosts.read_text().replace("127.0.0.1", "box"))
    relay = tmp_path / "relay"
    relay.write_text("import socket,sys,threading,os\ns=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
                     "def f(a,b):\n  while d:=os.read(a,65536): os.write(b,d)\n  os._exit(0)\n"
                     "threading.Thread(target=f,args=(0,s.fileno())).start();f(s.fileno(),1)\n")  # fmt: skip
    config.write_text(f"Host box\n  ProxyCommand {__import__('sys').executable} {relay} %p\n")
    open_client(host, Timeouts(5.0, 5.0)).close()
    config.write_text("Host box\n  ProxyCommand sh -c 'echo no such gate >&2'\n")
    with pytest.raises(HostUnreachable, match="no such gate"):
        open_client(host, Timeouts(5.0, 5.0))


@pytest.mark.parametrize("text", [b"Host 'a\n Port 1\n", b"Host *\n Port x\n", b"Match exec true\n Port 1\n", b"\xff"])
def test_a_config_that_is_not_understood_is_not_used(config, text, caplog):
    config.write_bytes(text)
    assert [way.text for way in ways(ssh_host="u@box")] == ["u@box:22"]
    assert all("is not understood" in told and told.isprintable() for told in caplog.messages)


def test_a_name_that_nobody_knows_is_told_so(config):
    host = Host.model_validate({"name": "aws-1", "ssh_host": "u@no-such-name.invalid"})
    with pytest.raises(HostUnreachable, match=r"the name no-such-name.invalid is not known here .*mend ssh_host"):
        open_client(host, Timeouts(5.0, 5.0))
