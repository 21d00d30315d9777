"""`dagster dev` starts our web server where it would start its own."""

import inspect

from dagster._cli import dev

from ringrift_assets.web.dev import PLAIN, with_guard


def test_the_web_server_is_replaced_and_nothing_else():
    own = ["python", "-m", "dagster_webserver", "--port", "3000", "--host", "127.0.0.1"]
    assert with_guard(own) == ["python", "-m", "ringrift_assets.web.server", *own[3:]]
    daemon = ["python", "-m", "dagster._daemon", "run"]
    assert with_guard(daemon) == daemon


def test_dagster_still_starts_its_web_server_by_the_command_that_is_replaced():
    text = inspect.getsource(dev)
    assert f'[sys.executable, "{PLAIN[0]}", "{PLAIN[1]}"]' in text and "open_ipc_subprocess(" in text
