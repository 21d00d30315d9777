"""Partition keys: one spelling each."""

import dagster as dg
import pytest

from resources.store import partition_keys as partitions
from ringrift.config import CONFIG_KEYS
from ringrift.errors import InvalidInput


def test_the_graph_has_the_nine_configs_and_those_asked_for(monkeypatch):
    assert partitions.config_keys() == (*CONFIG_KEYS, "hex8_2p", "hex8_3p"), "the tests ask for both"
    monkeypatch.delenv("RINGRIFT_EXTRA_CONFIGS")
    assert partitions.config_keys() == CONFIG_KEYS
    monkeypatch.setenv("RINGRIFT_EXTRA_CONFIGS", "hex8_5p")
    with pytest.raises(InvalidInput, match=r"RINGRIFT_EXTRA_CONFIGS.*hex8_4p"):
        partitions.config_keys()


def test_a_key_reads_back_as_what_it_was_made_from():
    key = partitions.partition_key("hex_2p", 7)
    assert str(key) == "hexagonal_2p|0007"
    assert partitions.parse_partition(str(key)) == ("hexagonal_2p", 7)


@pytest.mark.parametrize("key", ["7", "07", "00007", "0x07", "-001", " 007", "٠٠٠٧", "", "000a"])
def test_other_spellings_of_an_iteration_are_refused(key):
    with pytest.raises(InvalidInput, match="four digits"):
        partitions.parse_iteration(key)


@pytest.mark.parametrize("number", [-1, 10_000, True, "3", 1.0])
def test_iterations_outside_four_digits_are_refused(number):
    with pytest.raises(InvalidInput, match="0 to 9999"):
        partitions.iteration_key(number)


def test_opening_an_iteration_twice_changes_nothing():
    with dg.DagsterInstance.ephemeral() as instance:
        partitions.open_iteration(instance, 3, 3)
        partitions.open_iteration(instance, 3)
        assert list(instance.get_dynamic_partitions("iteration")) == ["0003"]


def test_a_step_of_an_iteration_that_was_deleted_is_refused_before_it_begins():
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_asset_context(instance=instance, partition_key="square8_2p|0003")
        with pytest.raises(InvalidInput, match="0003 was deleted from Dagster's partitions; add it again"):
            partitions.partition_of(context)
        partitions.open_iteration(instance, 2, 3)
        assert partitions.partition_of(context) == ("square8_2p", 3)
        partitions.open_iteration(instance)
        assert list(instance.get_dynamic_partitions("iteration")) == ["0002", "0003"]
