"""A model's files: identity by content, and refusal of what does not belong together."""

import json

import numpy as np
import pytest
import torch

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.network.card import ModelCard, load_card, load_pair, save_card, save_weights, weights_hash
from ringrift.network.encoder import encode
from ringrift.network.tensors import load_model, net_inputs, weights_of
from tests.ringrift.network.test_model import random_net, states

HEX8 = Config("hex8", 2)


@pytest.fixture
def saved(tmp_path):
    """(path of the weights, network): a model on disk."""
    net = random_net()
    card = ModelCard(
        kind="policy_value", architecture={"blocks": 2, "channels": 8}, encoder=1, rules_version="canonical-1",
        config="hex8_2p", iteration=3, weights=weights_hash(weights_of(net)), seed=1, window={}, training={},
        metrics={"loss": 1.5}, code_version="0.1.0",
    )  # fmt: skip
    path = tmp_path / "model.safetensors"
    save_weights(path, weights_of(net))
    save_card(path.with_suffix(".json"), card)
    return path, net


def test_a_model_comes_back_as_it_was_saved(saved):
    path, net = saved
    loaded, card = load_model(path, HEX8)
    inputs = net_inputs(encode(states("hex8_2p")))
    with torch.no_grad():
        assert torch.equal(loaded(*inputs).logits, net(*inputs).logits)
    assert card.model_id == weights_hash(weights_of(loaded))[:16] and load_card(path.with_suffix(".json")) == card
    before = path.read_bytes()
    save_weights(path, dict(reversed(weights_of(net).items())))
    assert path.read_bytes() == before


def test_identity_is_the_content_of_the_tensors():
    weights = {"a": np.arange(6, dtype=np.float32), "b": np.ones(2, dtype=np.float32)}
    one = weights_hash(weights)
    assert weights_hash(dict(reversed(weights.items()))) == one and len(one) == 64
    assert weights_hash(weights | {"a": weights["a"].reshape(2, 3)}) != one
    assert weights_hash(weights | {"b": np.nextafter(weights["b"], 2)}) != one
    assert weights_hash({"c": weights["a"], "b": weights["b"]}) != one


@pytest.mark.parametrize(
    "field, value, named",
    [
        ("config", "hex8_3p", ("'hex8_3p'", "'hex8_2p'")),
        ("encoder", 99, ("99", "1")),
        ("rules_version", "canonical-0", ("'canonical-0'", "'canonical-1'")),
        ("kind", "value", ("'value'", "'policy_value'")),
        ("architecture", {"blocks": 2, "channels": 16}, ("(8,", "(16,")),
        ("weights", "0" * 64, ("0" * 64,)),
        ("card", 2, ("2", "version 1")),
        ("seed", "one", ("'one'", "integer")),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_and_both_sides_named(saved, field, value, named):
    path, _ = saved
    content = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(content | {field: value}))
    with pytest.raises(InvalidInput) as caught:
        load_model(path, HEX8)
    assert all(text in str(caught.value) for text in named), str(caught.value)


def test_missing_and_torn_files_are_named(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InvalidInput, match=r"model\.safetensors"):
        load_model(path)
    path.unlink()
    with pytest.raises(MissingInput, match=r"model\.safetensors"):
        load_model(path)


@pytest.mark.parametrize("name", ["x.pt", "x", "x.onnx"])
def test_another_file_is_refused_though_a_model_lies_beside_it(saved, name):
    path = saved[0].with_name(name)
    path.write_text("not a network")
    with pytest.raises(InvalidInput, match=r"not a network; give a \.safetensors file"):
        load_pair(path)
