"""Config keys and their alias."""

import pytest

from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.errors import InvalidInput


def test_config_keys_and_alias():
    assert len(CONFIG_KEYS) == 9
    assert parse_config("hex_3p") == Config("hexagonal", 3) and parse_config("hex_3p").key == "hexagonal_3p"
    assert parse_config("hex8_2p") == Config("hex8", 2)
    with pytest.raises(InvalidInput, match="players"):
        Config("square8", 5)
