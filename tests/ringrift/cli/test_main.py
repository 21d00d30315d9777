"""The `ringrift` command as a user types it: exit codes, one-line errors, JSON."""

from tests.ringrift.cli.command import ringrift_process


def test_an_unknown_config_exits_2_and_names_the_nine():
    done = ringrift_process("rules", "perft", "-c", "square9_2p")
    assert done.returncode == 2 and "use one of square8_2p, square8_3p" in done.stderr


def test_debug_shows_the_traceback():
    assert "Traceback" in ringrift_process("--debug", "rules", "perft", "-c", "square9_2p").stderr
