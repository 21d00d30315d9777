"""Judging encoded positions with a trained network: ONNX Runtime on a CPU core, torch on a GPU.

On a CPU the result for a position does not depend on what else is in the batch, to the last bit (a test holds it), so
a game does not depend on the games played beside it. On a GPU this is not promised.

torch is imported only where a network is exported or runs on a GPU: a worker that finds the exported file needs none.
"""

import hashlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from platformdirs import user_cache_dir

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.files import atomic_path
from ringrift.network.card import POLICY_VALUE, load_pair
from ringrift.network.encoding import Encoded

if TYPE_CHECKING:
    from ringrift.network.model import PolicyValueNet

INPUTS, OUTPUTS = ("planes", "globals", "moves", "extras", "row"), ("logits", "scores")
OPSET = 17
LEGACY_WARNINGS = ("You are using the legacy", "The feature will be removed")  # how torch says that there is another
DEVICES = ("cpu", "cuda", "mps")
DEVICE_VARIABLE = "RINGRIFT_DEVICE"  # one of DEVICES; default cpu, which every worker has
GAMES_AT_ONCE = {"cpu": 16, "cuda": 200, "mps": 100}  # how many games fill a batch well

Judged = tuple[np.ndarray, np.ndarray]


class Evaluator(Protocol):
    """Judges the N positions of a batch with M legal moves in all, one game each."""

    weights: str  # hash of the network's weights, 64 hex digits
    games: int  # games that fill a batch well

    def __call__(self, encoded: Encoded) -> Judged:
        """(logits float32 [M], scores float32 [N, SEATS] of the relative players in [0, 1])."""


class OnnxEvaluator:
    """A network exported to ONNX, on one CPU thread. `path` is the exported file of the weights with that hash."""

    def __init__(self, path: Path, weights: str):
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.weights, self.games = weights, GAMES_AT_ONCE["cpu"]
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, encoded: Encoded) -> Judged:
        logits, scores = self._session.run(OUTPUTS, dict(zip(INPUTS, net_arrays(encoded), strict=True)))
        return logits, scores


class TorchEvaluator:
    """A network on a torch device."""

    def __init__(self, net: "PolicyValueNet", weights: str, device: str):
        import torch

        from ringrift.network.model import Inference

        if device == "cuda":  # TF32 rounds products to 10 bits
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.weights, self.games = weights, GAMES_AT_ONCE[device]
        self._net, self._device = Inference(net).eval().to(device), device

    def __call__(self, encoded: Encoded) -> Judged:
        import torch

        with torch.inference_mode():
            inputs = (torch.from_numpy(array).to(self._device, non_blocking=True) for array in net_arrays(encoded))
            logits, scores = self._net(*inputs)
            return logits.cpu().numpy(), scores.cpu().numpy()


def net_arrays(encoded: Encoded) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The arguments of PolicyValueNet.forward as arrays: planes, globals, moves, extras, row."""
    n, planes, cells = encoded.planes.shape
    rows = round(cells**0.5)
    moves = encoded.moves.astype(np.int64)
    return encoded.planes.reshape(n, planes, rows, rows), encoded.globals, moves, encoded.extras, encoded.row


def export_onnx(net: "PolicyValueNet", path: Path) -> None:
    """Write a network as an ONNX file: any number of positions, moves and board rows. Atomic."""
    import torch

    from ringrift.network.encoder import encode
    from ringrift.network.model import Inference
    from ringrift.network.tensors import net_inputs
    from ringrift.rules.game import Game

    states = np.stack([Game("square8_2p").state, Game("square8_3p").state])  # two: a batch of one would be folded away
    positions, moves = {0: "positions", 2: "rows", 3: "rows"}, {0: "moves"}
    axes = {"planes": positions, "globals": {0: "positions"}, "moves": moves, "extras": moves, "row": moves}
    with atomic_path(path) as temporary, warnings.catch_warnings():
        for message in LEGACY_WARNINGS:  # the other exporter needs onnxscript and ten times as long
            warnings.filterwarnings("ignore", message, DeprecationWarning)
        torch.onnx.export(
            Inference(net).eval(),
            net_inputs(encode(states)),
            str(temporary),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
        )


def onnx_file(path: Path, config: Config | None = None) -> tuple[Path, str]:
    """(exported file of a model, hash of its weights), given the path of its .safetensors file.

    The export is kept in the user's cache under the hash and the digest of the network's code, and made if it is not
    there. Raises what card.load_pair does: the weights are hashed at each call.
    """
    _, card = load_pair(path, kind=POLICY_VALUE, config=config)
    exported = Path(user_cache_dir("ringrift"), "onnx", f"{card.weights}-{_code_digest()}.onnx")
    if not exported.is_file():
        from ringrift.network.tensors import load_model

        exported.parent.mkdir(parents=True, exist_ok=True)
        export_onnx(load_model(path, config)[0], exported)
    return exported, card.weights


def _code_digest() -> str:
    sources = (Path(__file__).with_name(name).read_bytes() for name in ("model.py", "evaluator.py"))
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]


def load_evaluator(path: Path, config: Config | None = None, device: str | None = None) -> Evaluator:
    """The evaluator of a .safetensors file on a device (cpu, cuda, mps; default: RINGRIFT_DEVICE, else cpu).

    Raises MissingInput or InvalidInput as card.load_pair does, InvalidInput for a device that is not there.
    """
    device = device or os.environ.get(DEVICE_VARIABLE) or "cpu"
    if device not in DEVICES:
        raise InvalidInput(DEVICE_VARIABLE, device, f"use one of {', '.join(DEVICES)}")
    if device == "cpu":
        return OnnxEvaluator(*onnx_file(path, config))
    import torch

    from ringrift.network.tensors import load_model

    if not (torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()):
        raise InvalidInput(DEVICE_VARIABLE, device, "torch finds no such device here; use cpu")
    net, card = load_model(path, config)
    return TorchEvaluator(net, card.weights, device)


def load_evaluators(files: Mapping[str, Path], config: Config) -> dict[str, Evaluator]:
    """Evaluators by weights hash, of files by weights hash.

    Raises what load_evaluator does, and InvalidInput if a file holds other weights than were asked for.
    """
    found = {}
    for weights, path in files.items():
        evaluator = load_evaluator(path, config)
        if evaluator.weights != weights:
            raise InvalidInput(
                str(path),
                evaluator.weights,
                f"the participant plays with {weights}",
                problem="other weights than expected",
            )
        found[weights] = evaluator
    return found
