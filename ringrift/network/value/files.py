"""Value networks from a model's two files (ringrift.network.card); torch is not needed."""

from collections.abc import Mapping
from pathlib import Path

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.card import VALUE, Weights, check_shapes, load_pair
from ringrift.players.search.value_net import NARROW, WIDTH, ValueNetwork, shapes_of
from ringrift.rules.geometry import board

ARCHITECTURE = {"width": WIDTH, "narrow": NARROW}  # what a card says; there is one size only


def load_value_network(path: Path, config: Config) -> ValueNetwork:
    """The value network of a .safetensors file, its card beside it.

    Raises MissingInput if a file is not there, InvalidInput naming both sides if the two do not belong together or were
    made for something else: another kind of network, encoder, rules, config or size.
    """
    weights, card = load_pair(path, kind=VALUE, config=config)
    if card.architecture != ARCHITECTURE:
        raise InvalidInput(f"{path}: architecture", card.architecture, f"this version has {ARCHITECTURE}")
    check_tensors(path, weights, config)
    # Read-only arrays, as a file may give, are another type to numba: the searches would be compiled a second time.
    return ValueNetwork(card.weights, config, {name: array.copy() for name, array in weights.items()})


def check_tensors(path: Path, weights: Weights, config: Config) -> None:
    """Raise InvalidInput unless these are the tensors of a value network of `config`."""
    shapes = shapes_of(board(config.board).cells, config.players)
    check_shapes(path, weights, {name: (shape, "float32") for name, shape in shapes.items()})


def load_value_networks(files: Mapping[str, Path], config: Config) -> dict[str, ValueNetwork]:
    """Value networks by weights hash, of files by weights hash.

    Raises what load_value_network does, and InvalidInput if a file holds other weights than were asked for.
    """
    found = {}
    for weights, path in files.items():
        network = load_value_network(path, config)
        if network.weights != weights:
            raise InvalidInput(
                str(path),
                network.weights,
                f"the participant plays with {weights}",
                problem="other weights than expected",
            )
        found[weights] = network
    return found
