"""The messages of a job directory."""

import json

from ringrift.jobs import contract
from ringrift.jobs.directory import Messages


def test_a_torn_last_message_does_not_swallow_the_next(tmp_path):
    path = tmp_path / contract.MESSAGES
    path.write_text('{"whole": 1}\n{"torn')
    Messages(path, 2).opened()
    lines = path.read_text().splitlines()
    assert len(lines) == 3 and json.loads(lines[2])["params"] == {"extras": {"attempt": 2}}
