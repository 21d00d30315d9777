"""The error log: what an entry holds, that entries stay whole, and that failed and lost workers get one."""

import re
import threading
from datetime import datetime, timezone

from resources.runner.error_log import ErrorLog

NOON = datetime(2025, 12, 13, 12, 0, 0, tzinfo=timezone.utc)  # noqa: UP017


def test_an_entry_has_time_worker_command_return_code_and_the_last_characters_of_both_outputs(tmp_path):
    path = ErrorLog(tmp_path / "logs").write(
        worker="mac-studio",
        command=["python", "-m", "ringrift.jobs.worker", "run", "/a b"],
        return_code=7,
        stdout="x" * 6000 + "END",
        stderr="=== not a heading ===\nwhy",
        when=NOON,
    )
    assert path == tmp_path / "logs" / "errors_20251213.log"
    text = path.read_text()
    assert text.startswith(
        "=== 2025-12-13T12:00:00+00:00 ===\nworker: mac-studio\n"
        "command: python -m ringrift.jobs.worker run '/a b'\nreturn code: 7\nstdout:\n  xxx"
    )
    assert text.count("x") == 4997 and "xEND\n" in text
    assert "stderr:\n  === not a heading ===\n  why\n" in text
    ErrorLog(tmp_path / "logs").write(worker="b", command=["c"], return_code=None, stdout="", stderr="", when=NOON)
    assert path.read_text().startswith(text) and "return code: unknown\nstdout:\n  (empty)" in path.read_text()


def test_entries_written_at_the_same_time_stay_whole(tmp_path):
    def write(number: int) -> None:
        for _ in range(10):
            output = f"{number}" * 5000
            ErrorLog(tmp_path).write(worker="w", command=["c"], return_code=1, stdout=output, stderr="", when=NOON)

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (tmp_path / "errors_20251213.log").read_text()
    assert len(re.findall(r"stdout:\n  (\d)\1{4999}\nstderr:\n  \(empty\)\n\n", text)) == 40


def test_a_failed_and_a_lost_worker_get_an_entry_and_nothing_of_the_environment_is_in_it(bench, monkeypatch):
    monkeypatch.setenv("RINGRIFT_CLUSTER_AUTH_TOKEN", "open-sesame")
    log = ErrorLog(bench.folder / "logs")
    bench.runner(errors=log).run([bench.spec("bad", fail_at=1), bench.spec("dead", kill_at=1)])
    [path] = list(log.folder.iterdir())
    text = path.read_text()
    failed, lost = sorted(text.split("\n\n")[:2], key=lambda entry: "-bad-" not in entry)
    assert "worker: here" in failed and "-m ringrift.jobs.worker run" in failed and "return code: 1" in failed
    assert "Traceback" in failed.split("stderr:")[0] and "it was told to fail" in failed.split("stderr:")[1]
    assert "return code: -9" in lost and "starts again" in lost
    assert "open-sesame" not in text


def test_an_error_log_that_cannot_be_written_does_not_hide_why_the_job_failed(bench):
    (bench.folder / "logs").write_text("a file where the folder should be")
    [result] = bench.runner(errors=ErrorLog(bench.folder / "logs")).run([bench.spec(fail_at=0)])
    assert result.status == "failed" and "it was told to fail" in result.error
    assert any("error log could not be written" in event.text for event in bench.events)
