"""The training loop of every network: AdamW, averaged weights, early stop on held-out games, exact resumption.

What differs between kinds of networks is a Task (ringrift.network.training.task).

An epoch is a slice of an endless sequence of shuffled passes (data.epoch_rows): the documented number of epochs is a
ceiling, cut into so small slices that no row is used more than `max_row_uses` times. Each use turns the row by a
symmetry of the board. What a checkpoint does not hold is a function of seed and epoch, so a training that was killed
goes on to the same weights, bit for bit (one machine type, one thread, CPU).

The weights that are judged and kept are the running average of those that are trained (Polyak and Juditsky,
"Acceleration of stochastic approximation by averaging", 1992), which spares a schedule of learning rates: early stop
may end the training anywhere.

Under torchrun each process takes its share of every batch and gradients are averaged (DistributedDataParallel).
"""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from ringrift.errors import InvalidInput, RingRiftError
from ringrift.files import atomic_path
from ringrift.network.card import Weights
from ringrift.network.training.rows import epoch_rows
from ringrift.network.training.task import Task
from ringrift.seeds import seed_number

MOST_HELD_OUT_ROWS = 8192  # rows a network is judged on after each epoch
AVERAGE_STEPS = 1000  # steps the weights are averaged over, or half a pass where that is less


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers of a training; pipeline.yaml documents them and has their defaults."""

    batch_size: int
    epochs: int
    max_row_uses: int
    learning_rate: float
    weight_decay: float
    patience: int  # epochs without a better held-out loss that end the training
    device: str = "auto"
    warmup_steps: int = 50


@dataclass(frozen=True, slots=True)
class Trained:
    """The best averaged weights, their figures on the held-out rows, and one entry an epoch."""

    weights: Weights
    best_epoch: int  # 0 where no epoch was better than the weights it began with
    metrics: dict[str, float]
    history: list[dict[str, float]]


Report = Callable[[dict[str, float]], None]


def choose_device(name: str) -> torch.device:
    """The device of a name: `auto` takes cuda, else mps, else the CPU. Raises InvalidInput if it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if not there.get(name):
        have = ", ".join(kind for kind, available in there.items() if available)
        raise InvalidInput("device", name, f"this machine has {have}; use one of them or auto")
    return torch.device(name)


class _Ranks:
    """This process among those torchrun has started: rank 0 of 1 without it."""

    def __init__(self, device: torch.device):
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.device = device
        if self.size > 1:
            if device.type == "cuda":
                self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")

    def wrap(self, net: torch.nn.Module) -> torch.nn.Module:
        return DistributedDataParallel(net) if self.size > 1 else net

    def agree(self, flag: bool) -> bool:
        """Rank 0's answer, in every process."""
        if self.size == 1:
            return flag
        answer = torch.tensor([float(flag)], device=self.device)
        distributed.broadcast(answer, 0)
        return bool(answer.item())

    def close(self) -> None:
        if self.size > 1:
            distributed.destroy_process_group()


def train(
    task: Task,
    held_out_games: np.ndarray,
    settings: Settings,
    seed: int,
    *,
    checkpoint: Path | None = None,
    report: Report = lambda figures: None,
) -> Trained:
    """Train a network on the rows of a task but those of games marked in `held_out_games` (bool [games]), which judge.

    `checkpoint` is written after every epoch and gone on from if it is there. `report` is told the figures of each
    epoch; what it raises ends the training. Under torchrun only rank 0 judges, saves and reports, and only its answer
    holds weights. Raises InvalidInput if either side has no rows or the checkpoint is of another training,
    RingRiftError if the loss is not finite.
    """
    held = np.flatnonzero(held_out_games[task.game])
    taught = np.flatnonzero(~held_out_games[task.game])
    if not len(held) or not len(taught):
        raise InvalidInput(
            "games", len(taught), "give more games", problem=f"{len(taught)} rows to train on, {len(held)} held out"
        )
    run = _Run(task, taught, held, settings, seed)
    try:
        return run.go(checkpoint, report)
    finally:
        run.ranks.close()


class _Run:
    """State of one training: what a checkpoint holds, and how an epoch is made of it."""

    def __init__(self, task: Task, taught: np.ndarray, held: np.ndarray, settings: Settings, seed: int):
        self.ranks = _Ranks(choose_device(settings.device))
        self.device = self.ranks.device
        self.task, self.settings, self.seed, self.taught = task, settings, seed, taught
        self.held = held[np.linspace(0, len(held) - 1, min(len(held), MOST_HELD_OUT_ROWS)).astype(np.int64)]
        self.fingerprint = {**asdict(settings), **task.fingerprint(), "seed": seed}
        torch.manual_seed(seed_number(seed, "weights"))
        self.net = task.new_net().to(self.device).train()
        self.average = {name: t.detach().clone() for name, t in self.net.state_dict().items()}
        self.judge = task.new_net().to(self.device)
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        rate, decay = settings.learning_rate, settings.weight_decay
        self.optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=decay)
        self.model = self.ranks.wrap(self.net)
        self.per_epoch = math.ceil(len(taught) * min(1.0, settings.max_row_uses / settings.epochs))
        self.average_steps = max(1, min(AVERAGE_STEPS, len(taught) // (2 * settings.batch_size)))
        self.epoch = self.step = self.best_epoch = 0
        self.best: Weights = {}
        self.best_metrics: dict[str, float] = {}
        self.history: list[dict[str, float]] = []

    def go(self, checkpoint: Path | None, report: Report) -> Trained:
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)
        elif self.task.warm and self.ranks.rank == 0:
            self._judge({"epoch": 0.0}, report)
        while not self.ranks.agree(self._finished()):
            begin = self.epoch * self.per_epoch
            count = min(self.per_epoch, len(self.taught) * self.settings.max_row_uses - begin)
            figures = self._epoch(epoch_rows(self.taught, self.seed, begin, count))
            self.epoch += 1
            if self.ranks.rank == 0:
                self._judge({"epoch": float(self.epoch), **figures}, report, checkpoint)
        return Trained(self.best, self.best_epoch, self.best_metrics, self.history)

    def _finished(self) -> bool:
        out_of_rows = self.epoch * self.per_epoch >= len(self.taught) * self.settings.max_row_uses
        out_of_patience = self.epoch - self.best_epoch >= self.settings.patience
        return self.epoch >= self.settings.epochs or out_of_rows or out_of_patience

    def _epoch(self, chosen: np.ndarray) -> dict[str, float]:
        """One pass over the rows `chosen`; the mean losses by name."""
        turns = np.random.default_rng(seed_number(self.seed, "symmetry", self.epoch))
        symmetry = turns.integers(self.task.symmetries, size=len(chosen))
        sums: dict[str, float] = {}
        used = 0
        for begin in range(0, len(chosen), self.settings.batch_size):
            mine = slice(begin + self.ranks.rank, begin + self.settings.batch_size, self.ranks.size)
            if len(chosen) - begin < self.ranks.size:
                break  # a process would have no row
            part = self._step(chosen[mine], symmetry[mine])
            count = len(chosen[mine])
            for name, value in part.items():
                sums[name] = sums.get(name, 0.0) + value * count
            used += count
        return {f"train_{name}": value / used for name, value in sums.items()}

    def _step(self, chosen: np.ndarray, symmetry: np.ndarray) -> dict[str, float]:
        total, figures = self.task.losses(self.model, chosen, symmetry, self.device)
        if not math.isfinite(figures["loss"]):
            raise RingRiftError(
                f"the loss is {figures['loss']} in epoch {self.epoch + 1}: {figures}; lower the learning rate"
            )
        self.step += 1
        rate = self.settings.learning_rate * min(1.0, self.step / max(1, self.settings.warmup_steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        share = 1.0 / min(self.step, self.average_steps)
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, share)
        return figures

    def _judge(self, figures: dict[str, float], report: Report, checkpoint: Path | None = None) -> None:
        """Judge the averaged weights, keep them if they are the best so far, save and tell."""
        self.judge.load_state_dict(self.average)
        found = self.task.evaluate(self.judge, self.held, self.settings.batch_size, self.device)
        if not math.isfinite(found["loss"]):
            raise RingRiftError(f"the held-out loss is {found['loss']} in epoch {self.epoch}; lower the learning rate")
        if not self.best or found["loss"] < self.best_metrics["loss"]:
            self.best = {name: w.copy() for name, w in self.task.weights(self.judge).items()}
            self.best_metrics, self.best_epoch = found, self.epoch
        self.history.append(figures | found)
        if checkpoint is not None:
            self._save(checkpoint)
        report(self.history[-1])

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def _save(self, path: Path) -> None:
        content: dict[str, Any] = {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "best": {name: torch.from_numpy(w) for name, w in self.best.items()},
            "best_metrics": self.best_metrics,
            "best_epoch": self.best_epoch,
            "history": self.history,
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def _restore(self, path: Path) -> None:
        content = None
        with suppress(Exception):  # torch raises many kinds for a file that is no checkpoint
            content = torch.load(path, map_location=self.device, weights_only=True)
        if not isinstance(content, dict) or content.get("fingerprint") != self.fingerprint:
            found = content.get("fingerprint") if isinstance(content, dict) else None
            problem = "checkpoint of another training" if found else "unreadable checkpoint"
            raise InvalidInput(str(path), found, "remove the file to start anew", problem=problem)
        self.net.load_state_dict(content["net"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.average = content["average"]
        self.epoch, self.step, self.best_epoch = content["epoch"], content["step"], content["best_epoch"]
        self.best = {name: t.cpu().numpy() for name, t in content["best"].items()}
        self.best_metrics, self.history = content["best_metrics"], content["history"]
