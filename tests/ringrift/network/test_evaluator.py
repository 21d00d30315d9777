"""The exported network says what torch says, and judges each position as if it were alone."""

import numpy as np
import pytest
import torch

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.network import evaluator as inference
from ringrift.network.encoder import encode
from ringrift.network.evaluator import OnnxEvaluator, TorchEvaluator, export_onnx, load_evaluator, load_evaluators
from ringrift.network.model import Architecture
from ringrift.rules.game import Game
from ringrift.seeds import stream
from tests.ringrift.network.nets import random_net, save_model

SQUARE8 = Config("square8", 2)


def states(key: str, count: int) -> np.ndarray:
    game, found, rng = Game(key), [], stream(3, key)
    while len(found) < count:
        game.play_random(rng, 5)
        if game.over:
            game = Game(key)
        else:
            found.append(game.state.copy())
    return np.stack(found)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> OnnxEvaluator:
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export_onnx(random_net(1, Architecture(3, 24)), path)
    return OnnxEvaluator(path, "a" * 64)


@pytest.mark.parametrize("key", ["square8_2p", "hex8_3p", "square19_4p", "hexagonal_2p"])
def test_the_export_says_what_torch_says_on_every_board(exported, key):
    encoded = encode(states(key, 7))
    logits, scores = exported(encoded)
    expected = TorchEvaluator(random_net(1, Architecture(3, 24)), "a" * 64, "cpu")(encoded)
    assert logits.dtype == np.float32 and scores.shape == (7, 4) and logits.std() > 0.1
    np.testing.assert_allclose(logits, expected[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores, expected[1], atol=1e-5)


@pytest.mark.parametrize("key", ["square8_2p", "hexagonal_3p"])
def test_a_position_is_judged_alike_to_the_last_bit_whatever_is_in_the_batch(exported, key):
    some = states(key, 13)
    whole, encoded = exported(encode(some)), encode(some)
    for size in (1, 2, 5, 8):
        for begin in range(0, len(some), size):
            logits, scores = exported(encode(some[begin : begin + size]))
            end = min(begin + size, len(some))
            assert (logits == whole[0][encoded.first[begin] : encoded.first[end]]).all()
            assert (scores == whole[1][begin:end]).all()
    turned = exported(encode(some[::-1]))
    assert (turned[1] == whole[1][::-1]).all()


def test_a_model_is_exported_once_for_its_weights_and_the_code(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "user_cache_dir", lambda app: str(tmp_path / "cache"))
    model = save_model(tmp_path / "m.safetensors", SQUARE8)
    evaluator = load_evaluator(tmp_path / "m.safetensors", SQUARE8)
    [made] = (tmp_path / "cache" / "onnx").iterdir()
    assert evaluator.weights == model.weights and made.name.startswith(model.weights)
    before = made.stat().st_mtime_ns
    monkeypatch.setattr(inference, "export_onnx", lambda net, path: pytest.fail("exported again"))
    load_evaluator(tmp_path / "m.safetensors", SQUARE8)
    assert made.stat().st_mtime_ns == before
    monkeypatch.undo()
    monkeypatch.setattr(inference, "user_cache_dir", lambda app: str(tmp_path / "cache"))
    monkeypatch.setattr(inference, "_code_digest", lambda: "other")
    load_evaluator(tmp_path / "m.safetensors", SQUARE8)
    assert len(list((tmp_path / "cache" / "onnx").iterdir())) == 2


def test_a_wrong_model_or_device_is_refused(tmp_path, monkeypatch):
    with pytest.raises(MissingInput, match="not there"):
        load_evaluator(tmp_path / "no.safetensors", SQUARE8)
    save_model(tmp_path / "m.safetensors", SQUARE8)
    with pytest.raises(InvalidInput, match=r"square8_2p.*square8_3p"):
        load_evaluator(tmp_path / "m.safetensors", Config("square8", 3))
    with pytest.raises(InvalidInput, match="the participant plays with b"):
        load_evaluators({"b" * 64: tmp_path / "m.safetensors"}, SQUARE8)
    monkeypatch.setenv("RINGRIFT_DEVICE", "abacus")
    with pytest.raises(InvalidInput, match="use one of cpu, cuda, mps"):
        load_evaluator(tmp_path / "m.safetensors", SQUARE8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_says_what_the_cpu_says(tmp_path):
    save_model(tmp_path / "m.safetensors", SQUARE8)
    encoded = encode(states("square8_2p", 9))
    cpu, gpu = (load_evaluator(tmp_path / "m.safetensors", SQUARE8, device)(encoded) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(cpu[0], gpu[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(cpu[1], gpu[1], atol=1e-4)
