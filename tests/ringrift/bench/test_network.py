from ringrift.bench.network import SIZES, bench_network
from tests.ringrift.conftest import HEX8


def test_the_benchmark_measures_encoding_every_size_and_the_value_network():
    steps: list[str] = []
    found = bench_network(HEX8, 0.02, steps.append)
    names = {measure["name"] for measure in found["measures"]}
    assert {"hex8_2p.encode.positions_per_s", "hex8_2p.replay.rows_per_s"} < names
    assert {f"hex8_2p.{name}.positions_per_s" for name in ("value", "minimax", "minimax_value")} < names
    for size in SIZES:
        kinds = ("torch_1.positions_per_s", "torch_64.positions_per_s", "training.rows_per_s")
        assert {f"hex8_2p.{size}.{kind}" for kind in kinds} < names
    assert all(measure["value"] > 0 for measure in found["measures"]) and len(steps) == 3 + len(SIZES)
