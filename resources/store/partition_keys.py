"""The one partitions definition of the graph: config × iteration, and the only way to spell its keys."""

import os
import re

import dagster as dg

from ringrift import names
from ringrift.config import CONFIG_KEYS, other_config_keys, parse_config
from ringrift.errors import InvalidInput

EXTRA_CONFIGS_VARIABLE = "RINGRIFT_EXTRA_CONFIGS"
ITERATIONS_NAME = "iteration"
MAX_ITERATION = names.LAST_ITERATION


def config_keys() -> tuple[str, ...]:
    """The nine configs and those of RINGRIFT_EXTRA_CONFIGS (`hex8_2p,hex8_4p`; tests, small experiments)."""
    extra = [text.strip() for text in os.environ.get(EXTRA_CONFIGS_VARIABLE, "").split(",") if text.strip()]
    for key in extra:
        if key not in other_config_keys():
            raise InvalidInput(EXTRA_CONFIGS_VARIABLE, key, f"use some of {', '.join(other_config_keys())}")
    return CONFIG_KEYS + tuple(dict.fromkeys(extra))


def with_partitions(key: str) -> str:
    """The key of a config that has partitions. Raises InvalidInput for one that RINGRIFT_EXTRA_CONFIGS must name."""
    if key not in (there := config_keys()):
        named = ",".join([*there[len(CONFIG_KEYS) :], key])
        raise InvalidInput(
            "configs",
            key,
            f"set {EXTRA_CONFIGS_VARIABLE}={named} to have them, also for `ringrift ui`",
            problem=f"{key} is for tests and small experiments and has no partitions",
        )
    return key


PARTITIONS = dg.MultiPartitionsDefinition(
    {
        "config": dg.StaticPartitionsDefinition(config_keys()),
        "iteration": dg.DynamicPartitionsDefinition(name=ITERATIONS_NAME),
    }
)


def iteration_key(iteration: int) -> str:
    """`7` → `0007`. Raises InvalidInput outside 0…9999."""
    if isinstance(iteration, bool) or not isinstance(iteration, int) or not 0 <= iteration <= MAX_ITERATION:
        raise InvalidInput("iteration", iteration, f"use an integer from 0 to {MAX_ITERATION}")
    return f"{iteration:04d}"


def parse_iteration(key: str) -> int:
    """`0007` → `7`. Any other spelling raises InvalidInput, so that one iteration has one key."""
    if not re.fullmatch(r"[0-9]{4}", key, re.ASCII):
        raise InvalidInput("iteration", key, "write it with four digits, for example 0007")
    return int(key)


def partition_key(config: str, iteration: int) -> dg.MultiPartitionKey:
    """The Dagster key of a config's iteration, text form `square8_2p|0007`. Raises InvalidInput."""
    return dg.MultiPartitionKey({"config": parse_config(config).key, "iteration": iteration_key(iteration)})


def parse_partition(key: str) -> tuple[str, int]:
    """`square8_2p|0007` → (`square8_2p`, 7). Raises InvalidInput for any other spelling."""
    config, _, iteration = key.partition("|")
    return config, parse_iteration(iteration)


def partition_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> tuple[str, int]:
    """Config and iteration of the running step.

    Raises InvalidInput for a key misspelt in the UI, or one whose iteration somebody has deleted there: Dagster would
    refuse it only after the step has stored its result.
    """
    config, iteration = parse_partition(context.partition_key)
    if not context.instance.has_dynamic_partition(ITERATIONS_NAME, iteration_key(iteration)):
        raise InvalidInput(
            "iteration",
            iteration_key(iteration),
            "add it again (Dagster's page of partitions, or ringrift run)",
            problem=f"{iteration_key(iteration)} was deleted from Dagster's partitions",
        )
    return config, iteration


def open_iteration(instance: dg.DagsterInstance, *iterations: int) -> None:
    """Make iterations known to the instance. Naming one twice, or doing it twice, changes nothing."""
    if keys := [iteration_key(iteration) for iteration in sorted(set(iterations))]:
        instance.add_dynamic_partitions(ITERATIONS_NAME, keys)
