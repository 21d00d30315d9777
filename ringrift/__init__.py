"""RingRift: rules engine, players, networks, jobs. The public names load what they need on first use.

from ringrift import Game, parse_config, participant, play_match_game
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringrift.config import Config, parse_config
    from ringrift.players.match import play_match_game
    from ringrift.players.participant import Participant, participant
    from ringrift.rules.game import Game

__all__ = ["Config", "Game", "Participant", "parse_config", "participant", "play_match_game"]
_PLACES = {
    "Config": "ringrift.config",
    "Game": "ringrift.rules.game",
    "Participant": "ringrift.players.participant",
    "parse_config": "ringrift.config",
    "participant": "ringrift.players.participant",
    "play_match_game": "ringrift.players.match",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'ringrift' has no attribute {name!r}")
