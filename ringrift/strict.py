"""Strict reading of what people and other programs hand us: one line says where, what and what is allowed."""

import difflib
import json
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from ringrift.errors import InvalidInput, MissingInput, cut


class Strict(BaseModel):
    """A model that refuses unknown keys and converts no types; its values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item", bound=Hashable)


def first_twice(items: Iterable[Item]) -> Item | None:
    """The first of the items that was there before, None if they differ."""
    seen: set[Item] = set()
    for item in items:
        if item in seen:
            return item
        seen.add(item)
    return None


def parse(model: type[Model], data: object, where: str) -> Model:
    """`data` as `model`. Raises InvalidInput naming `where`, the field, its value and what is allowed.

    An unknown key is answered with the nearest known one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
        first = _explain(model, faults[0])
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        field = f"{where}: {first.field}" if first.field else where
        if first.allowed:
            raise InvalidInput(field, first.value, first.allowed + more, problem=first.problem) from error
        raise InvalidInput(field, first.value, problem=first.problem + more) from error


def _explain(model: type[BaseModel], fault: ErrorDetails) -> InvalidInput:
    """One fault that pydantic found, in our words."""
    path = [part for part in fault["loc"] if part != "[key]"]
    value = fault["input"]
    if fault["type"] == "missing":
        return InvalidInput(_dotted(path[:-1]), value, problem=f"missing key {path[-1]!r}")
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1])[:100], _known_keys(model, path[:-1]), n=1, cutoff=0)
        return InvalidInput(
            _dotted(path[:-1]),
            value,
            f"the nearest known key is {near[0]!r}" if near else "",
            problem=f"unknown key {cut(repr(path[-1]), 120)}",
        )
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, InvalidInput):
        return InvalidInput(_dotted(path), value, cause.allowed, problem=cause.problem)
    text = fault["msg"].removeprefix("Value error, ")
    return InvalidInput(_dotted(path), value, text[:1].lower() + text[1:])


def _dotted(path: Sequence[int | str]) -> str:
    """A place in a document as people write it, for example `selfplay.jobs[0].games`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _known_keys(model: type[BaseModel], path: list[int | str]) -> list[str]:
    """Keys of the model found by walking `path` through fields, lists and dicts from `model`."""
    annotation: Any = model
    for part in path:
        options = _models_in(annotation)
        field = next((m.model_fields[part] for m in options if part in m.model_fields), None)
        if field is not None:
            annotation = field.annotation
        elif get_origin(annotation) in (list, dict):
            annotation = get_args(annotation)[-1]
    return sorted({key for m in _models_in(annotation) for key in m.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models an annotation stands for, unions and Annotated looked through."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (list, dict):
        return []
    return [found for part in get_args(annotation) for found in _models_in(part)]


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, ten times as fast, where PyYAML has it
DEEPEST = 100  # levels of a YAML file; libyaml's loader crashes at some ten thousand


class _Loader(_Fast):
    """YAML that refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        _unique([(key.value, None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
        return super().construct_mapping(node, deep=deep)


def _load_yaml(text: str) -> Any:
    """The value of a YAML text. Raises ValueError when it is nested too deep, yaml.YAMLError when it does not parse."""
    level = 0
    for event in () if _is_flat(text) else yaml.parse(text, Loader=_Fast):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return yaml.load(text, Loader=_Loader)


def _is_flat(text: str) -> bool:
    """Whether a text cannot be nested deep, seen without parsing it: few brackets, and little indentation.

    Each level takes a bracket, or a column more than the one around it, or as many in a list below a key.
    """
    brackets = text.count("[") + text.count("{")
    columns = max((len(line) - len(line.lstrip(" -?\t")) for line in text.splitlines()), default=0)
    return brackets + 2 * columns < DEEPEST


def _unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if (twice := first_twice(key for key, _ in pairs)) is not None:
        raise ValueError(f"duplicate key {twice!r}")
    return dict(pairs)


def read_document(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, or JSON if its name ends in `.json`.

    Raises MissingInput without a file, InvalidInput if it does not parse, repeats a key or is no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            value = json.loads(text, object_pairs_hook=_unique)
        else:
            value = _load_yaml(text)
    except FileNotFoundError:
        raise MissingInput(f"{path} is not there; give the path of a YAML or JSON file") from None
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        text = cut(" ".join(str(error).split()))
        raise InvalidInput("", path.name, problem=f"{path} is not valid {kind}: {text}") from error
    if not isinstance(value, dict):
        raise InvalidInput(str(path), value, "use a mapping of keys to values", problem="not a mapping")
    return value
