"""The network's heads hold what they promise, whatever the weights."""

import numpy as np
import pytest
import torch

from ringrift.network.encoder import encode
from ringrift.network.encoding import Encoded
from ringrift.network.layout import FROM, OVER, PLANES, TO, nowhere
from ringrift.network.model import Architecture, Outputs, PolicyValueNet
from ringrift.network.tensors import net_inputs
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from ringrift.seeds import stream


def random_net(seed: int = 0) -> PolicyValueNet:
    """A network of loud random weights, so that a wrong head shows."""
    torch.manual_seed(seed)
    net = PolicyValueNet(Architecture(2, 8))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return net.eval()


def states(key: str, count: int = 6) -> np.ndarray:
    game, found = Game(key), []
    rng = stream(3, key)
    for _ in range(count):
        game.play_random(rng, 9)
        found.append(game.state.copy())
    return np.stack(found)


def judge(net: PolicyValueNet, encoded: Encoded) -> Outputs:
    with torch.no_grad():
        return net(*net_inputs(encoded))


@pytest.mark.parametrize("key", ["square8_2p", "square8_3p", "hex8_4p", "square19_2p", "hexagonal_3p"])
def test_scores_are_in_range_and_shared_among_the_players_of_the_game(key):
    net, n = random_net(), int(key[-2])
    encoded = encode(states(key))
    out = judge(net, encoded)
    assert out.logits.shape == (len(encoded.codes),)
    assert out.owners.shape == (6, 5, board(key.split("_")[0]).rows, board(key.split("_")[0]).rows)
    assert ((out.scores >= 0) & (out.scores <= 1)).all()
    assert torch.allclose(out.scores.sum(dim=1), torch.full((6,), n / 2), atol=1e-5)
    assert not out.scores[:, n:].any()
    assert out.scores[:, :n].std() > 0.01
    assert torch.isfinite(out.logits).all() and out.logits.std() > 0.01


def test_each_position_is_judged_alone_and_every_move_feature_counts():
    net = random_net()
    batch = encode(states("square8_2p"))
    whole = judge(net, batch)
    for i, s in enumerate(states("square8_2p")):
        alone = judge(net, encode(s))
        assert torch.allclose(alone.scores[0], whole.scores[i], atol=1e-5)
        assert torch.allclose(alone.logits, whole.logits[batch.first[i] : batch.first[i + 1]], atol=1e-4)
    none = nowhere(board("square8"))
    for column in (FROM, TO, OVER):
        moved = batch.moves.copy()
        moved[:, column] = np.where(moved[:, column] == none, 0, none)
        other = judge(net, batch._replace(moves=moved))
        assert not torch.isclose(other.logits, whole.logits).any()
    assert not torch.isclose(judge(net, batch._replace(extras=batch.extras + 1)).logits, whole.logits).any()


def test_cells_off_a_hex_board_change_nothing():
    net, batch = random_net(), encode(states("hex8_2p"))
    inputs = net_inputs(batch)
    wide = torch.zeros(6, PLANES, 12, 12)
    wide[:, :, :9, :9] = inputs[0]
    moves = inputs[2].clone()
    for column in (FROM, TO, OVER):
        cell = moves[:, column]
        moves[:, column] = torch.where(cell == 81, 144, cell // 9 * 12 + cell % 9)
    with torch.no_grad():
        narrow, out = net(*inputs), net(wide, inputs[1], moves, *inputs[3:])
    assert torch.allclose(narrow.logits, out.logits, atol=1e-4)
    assert torch.allclose(narrow.scores, out.scores, atol=1e-5)
