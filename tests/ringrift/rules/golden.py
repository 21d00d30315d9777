"""Write the golden games of tests/data/golden: `python -m tests.rules.golden`.

They are rr-vectors/1 files made by this engine, to be written only while it reproduces the recorded games it
was checked against. A regression then shows as a first differing ply.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.rules import state as st
from ringrift.rules.advance import EVERY_MOVE
from ringrift.rules.game import Game, Workspace
from ringrift.rules.geometry import board
from ringrift.rules.moves import TYPE_SHIFT
from ringrift.rules.position_json import state_to_json

GOLDEN = Path(__file__).parents[2] / "data" / "golden"


def record_game(config: Config, seed: int, by_type: bool, swap: bool = False) -> list[dict[str, Any]]:
    """A random game as the lines of a vector file. `by_type` draws the move type first, so rare moves are played."""
    rng = np.random.default_rng(seed)
    game = Game(config, {"swap_rule": swap})
    s = st.new_state(board(config.board), config.players, game.options)
    table = Workspace(board(config.board))
    rows: list[dict[str, Any]] = [
        {
            "k": "header",
            "format": "rr-vectors/1",
            "board": config.board,
            "players": config.players,
            "policy": "by_type" if by_type else "uniform",
            "seed": seed,
            "start": "standard",
            "options": game.options,
            "conserves_rings": True,
            "initial": state_to_json(s),
        }
    ]
    while codes := table.legal(s):
        legal = [json.dumps(m, separators=(",", ":")) for m in table.legal_json(s)]
        kinds = sorted({code >> TYPE_SHIFT for code in codes})
        kind = int(rng.choice(kinds))
        pool = [i for i, code in enumerate(codes) if not by_type or code >> TYPE_SHIFT == kind]
        played = int(rng.choice(pool))
        before = {"i": len(rows) - 1, "p": int(s[st.CUR]) + 1, "ph": st.PHASES[int(s[st.PHASE])]}
        table.advance(s, np.array([codes[played]], dtype=np.uint32), EVERY_MOVE)
        ordered = sorted(legal)
        rows.append(
            before
            | {
                "legal": [json.loads(m) for m in ordered],
                "c": ordered.index(legal[played]),
                "state": state_to_json(s),
            }
        )
    reason, winner = st.REASONS[int(s[st.REASON])], int(s[st.WINNER]) + 1
    rows.append({"k": "end", "plies": len(rows) - 1, "status": "completed", "winner": winner, "reason": reason})
    return rows


def write_all() -> None:
    """Write every golden game anew."""
    for name in BOARDS:
        games = 6 if board(name).cells < 100 else 1
        for players in (2, 3, 4):
            for seed in range(games):
                by_type = bool(seed % 2)
                swap = players == 2 and seed == 3
                rows = record_game(Config(name, players), 1000 * players + seed, by_type, swap)
                path = GOLDEN / f"{name}_{players}p_{seed}{'_swap' if swap else ''}.jsonl.zst"
                path.parent.mkdir(parents=True, exist_ok=True)
                text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
                with pa.output_stream(str(path), compression="zstd") as stream:
                    stream.write(text.encode())


if __name__ == "__main__":
    write_all()
