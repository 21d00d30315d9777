"""A player as `ringrift models export` writes it: a folder with its network, card, profile, and what it plays as."""

from pathlib import Path
from typing import Any, NamedTuple

from ringrift import names
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.card import load_card
from ringrift.players.heuristic.profiles import complete_weights
from ringrift.players.participant import Participant
from ringrift.strict import Strict, parse, read_document


class PlayerFile(Strict):
    """What player.json holds: the config, and the player as Participant.to_dict."""

    config: str
    player: dict[str, Any]


class ProfileFile(Strict):
    """What profile.json holds: the profile that the player plays with."""

    config: str
    profile: str
    profile_hash: str
    weights: dict[str, float]


class ExportedPlayer(NamedTuple):
    """A player, the file of its network's weights, and the weights of its profile by name."""

    player: Participant
    weights: Path
    profiles: dict[str, dict[str, float]]


def read_export(folder: Path, config: Config) -> ExportedPlayer:
    """The player in an exported folder.

    Raises MissingInput for a file that is not there, InvalidInput for one that is damaged, of another config, or whose
    network or profile is not the one the player was made with.
    """
    about = parse(PlayerFile, read_document(folder / names.PLAYER_FILE), str(folder / names.PLAYER_FILE))
    player = Participant.from_dict(about.player)
    card = load_card(folder / names.CARD_FILE)
    for what, found in (("player", about.config), ("network", card.config)):
        if found != config.key:
            raise InvalidInput("player", str(folder), f"its {what} is of {found}, the games are {config.key}")
    if card.weights != (player.model or player.value_model):
        wanted = player.model or player.value_model
        raise InvalidInput(str(folder), card.weights, f"the player plays with {wanted}; export the model again")
    if player.profile is None:
        return ExportedPlayer(player, folder / names.WEIGHTS_FILE, {})
    profile = parse(ProfileFile, read_document(folder / names.PROFILE_FILE), str(folder / names.PROFILE_FILE))
    return ExportedPlayer(player, folder / names.WEIGHTS_FILE, {player.profile: complete_weights(profile.weights)})
