"""Hosts whose games do not hold, in an iteration: they are set apart, and everything comes out as if they were not."""

from pathlib import Path

import pytest

from resources.hosts.host import Host, NoEligibleHost
from resources.runtime import Runtime
from resources.store.trust import let_back, quarantines
from resources.transports.base import Transport
from ringrift import names
from ringrift.jobs.contract import JOBS_FOLDER
from ringrift.planning.gate import gate_of
from ringrift.planning.pipeline import Pipeline
from ringrift.specs.prove import read_plans
from ringrift.strict import parse
from ringrift_assets.bench.trust import let_wait, make_liar
from ringrift_assets.steps import trust
from ringrift_assets.steps.trust import gate_sample
from tests.ringrift_assets.conftest import PLAYED, failure

HOSTS = """
hosts:
  liar: {class: local, role: all, trusted: false, ringrift_path: '%(path)s/liar', max_parallel_jobs: 2}
  honest: {class: local, role: all, trusted: false, ringrift_path: '%(path)s/honest', status: %(status)s}
"""


class LyingRuntime(Runtime):
    """A runtime in which the host `liar` forges what it plays, and gets every job before `honest` gets one.

    `limits` are kind and seconds of the runs, in order.
    """

    limits: list[tuple[str, float]]

    def run(self, capability, specs, **more):
        self.limits.append((specs[0].kind, more["timeout_s"]))
        return super().run(capability, specs, **more)

    def transport(self, host: Host) -> Transport:
        found = super().transport(host)
        if host.name == "liar":
            make_liar(found, Path(host.ringrift_path) / JOBS_FOLDER, lambda job: "weak but legal games")
        if host.name == "honest":
            let_wait(found, lambda: "liar" not in quarantines(self.home))
        return found


@pytest.fixture
def lying(graph, tmp_path, monkeypatch):
    def make(status: str = "ready") -> LyingRuntime:
        (tmp_path / "hosts.yaml").write_text(HOSTS % {"path": tmp_path, "status": status})
        found = LyingRuntime(graph.home, graph.pipeline, tmp_path / "hosts.yaml", listener=graph.events.append)
        found.limits = []
        return found

    return make


def test_a_liar_is_set_apart_and_the_games_are_those_of_an_honest_fleet(graph, graph_of, lying, tmp_path):
    from resources.store.home import Home

    runtime = lying()
    result = graph.run(0, ["incumbent", "selfplay_games"], runtime=runtime)
    assert result.success, failure(result)
    (first, first_s), proof, (again, again_s), _ = runtime.limits
    assert proof == ("prove", 7200) and first == again == "selfplay" and again_s < first_s <= 1800
    record = graph.record("selfplay_games")
    assert list(quarantines(graph.home)) == ["liar"] and list(record.provenance["proof"]["set_apart"]) == ["liar"]
    assert "played again it has other" in quarantines(graph.home)["liar"].reason
    aside = {place.name.rpartition("-")[0] for place in (graph.home.root / "set_aside").iterdir()}
    again = {event.job for event in graph.events if event.host == "honest" and event.kind == "done"}
    assert aside and aside <= again
    other = graph_of(Home(tmp_path / "other").prepare())
    assert other.run(0, ["incumbent", "selfplay_games"]).success
    assert other.record("selfplay_games").content_digest == record.content_digest


def test_with_nobody_else_the_step_fails_and_says_how_the_host_comes_back(graph, lying):
    result = graph.run(0, ["incumbent", "selfplay_games"], runtime=lying("disabled"))
    assert "liar: it is set apart" in failure(result) and "`ringrift hosts trust liar`" in failure(result)
    with pytest.raises(NoEligibleHost, match="set apart"):
        lying("disabled").eligible("selfplay")
    let_back(graph.home, "liar")
    assert [host.name for host in lying("disabled").eligible("selfplay")] == ["liar"]
    honest = Runtime(graph.home, graph.pipeline, lying("disabled").hosts_path)
    assert graph.run(0, ["incumbent", "selfplay_games"], runtime=honest).success, "what it forged is not taken again"
    assert graph.record("selfplay_games").rows == PLAYED


@pytest.mark.parametrize("gates", ["proved", "any"])
def test_a_gate_is_not_decided_by_a_host_whose_games_cannot_be_played_again_here(graph, tmp_path, monkeypatch, gates):
    (tmp_path / "hosts.yaml").write_text(HOSTS % {"path": tmp_path, "status": "ready"})
    graph.pipeline.write_text(f"{graph.pipeline.read_text()}trust: {{gates: {gates}}}\n")
    monkeypatch.setattr(trust, "may_be_proved", lambda result, host: host.name != "honest")

    def tried() -> list[str]:
        return [event.host for event in graph.events if event.kind == "done" and "-profile_0-" in event.job]

    class Waiting(Runtime):
        def transport(self, host: Host) -> Transport:
            found = super().transport(host)
            if host.name == "liar":
                let_wait(found, lambda: not tried())
            return found

    runtime = Waiting(graph.home, graph.pipeline, tmp_path / "hosts.yaml", listener=graph.events.append)
    assert graph.run(0, ["incumbent", "cmaes_profile"], runtime=runtime).success
    record = graph.record("cmaes_profile")
    [plan] = read_plans(graph.runtime().store.path(record, names.PLANS_FILE))
    assert tried() == (["honest"] if gates == "any" else ["honest", "liar"])
    assert (plan.host, plan.exact) == (tried()[-1], gates == "proved")
    assert not quarantines(graph.home), "nothing is said against it"


def test_a_gate_that_promotes_is_proved_by_more_games_than_one_that_does_not():
    gate = gate_of(parse(Pipeline, {"gate": {"min_blocks": 4, "max_blocks": 64}}, "test"))
    won = {index: [1, 2] if index % 2 == 0 else [2, 1] for index in range(16)}
    lost = {index: ranks[::-1] for index, ranks in won.items()}
    assert gate_sample(gate, won, 2) == 6 and gate_sample(gate, lost, 2) == 0 and gate_sample(gate, {}, 2) == 0
    assert gate_sample(gate, {0: [1, 2]}, 2) == 0, "no whole block"
