"""Every key of a pipeline file is read by the code: mypy says of which class each attribute in the sources is."""

import ast
import typing
from collections.abc import Sequence
from pathlib import Path

import pytest
from mypy import build
from mypy.modulefinder import BuildSource
from mypy.nodes import CallExpr, MemberExpr, NameExpr
from mypy.options import Options
from mypy.types import Instance, get_proper_type
from pydantic import BaseModel

from ringrift.planning.pipeline import Pipeline
from ringrift.specs.train import LoopNumbers

ROOT = Path(__file__).parents[3]
DECLARATIONS = tuple(ROOT / "ringrift" / "planning" / name for name in ("pipeline.py", "retry.py", "running.py"))
SOURCES = sorted(
    path
    for package in ("ringrift", "resources", "ringrift_assets", "sensors")
    for path in (ROOT / package).rglob("*.py")
    if path not in DECLARATIONS and any(word in path.read_text() for word in ("pipeline", "RetryPolicy", "TrainParams"))
)
DAGSTER = """
from typing import Annotated, Any, TypeVar
T = TypeVar("T")
ResourceParam = Annotated[T, None]
def __getattr__(name: str) -> Any: ...
"""  # what a pipeline's type passes through; reading the real one takes a minute

Key = tuple[str, str]  # a model's name and a field's


def models_in(annotation: object) -> set[type[BaseModel]]:
    """The models an annotation names, and those they are made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.values()
        return {annotation}.union(*(models_in(field.annotation) for field in fields))
    return set().union(*(models_in(part) for part in typing.get_args(annotation)))


KEYS = {(model.__name__, field) for model in models_in(Pipeline) for field in model.model_fields}


def declaration(path: Path, sources: Sequence[Path]) -> str:
    """A module of models without the functions that none of the sources calls, and so without the validators."""

    class Called(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
            called = any(f".{node.name}" in source.read_text() for source in sources)
            return node if called else ast.copy_location(ast.Pass(), node)

    return ast.unparse(ast.fix_missing_locations(Called().visit(ast.parse(path.read_text()))))


def reads(sources: Sequence[Path]) -> set[Key]:
    """The keys that these sources read, themselves or by a method of the models."""
    options = Options()
    options.export_types = options.preserve_asts = options.check_untyped_defs = options.ignore_errors = True
    options.follow_imports, options.incremental = "skip", False
    given = [BuildSource(None, "dagster", DAGSTER)]
    for path in (*DECLARATIONS, ROOT / "ringrift" / "strict.py", *sources):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        text = declaration(path, sources) if path in DECLARATIONS else None
        given.append(BuildSource(str(path), module, text))
    types = build.build(given, options).types
    found = set()
    for node in types:
        if isinstance(node, MemberExpr):
            of, names = node.expr, (node.name,)
        elif isinstance(node, CallExpr) and isinstance(node.callee, NameExpr) and node.callee.name == "getattr":
            of, names = node.args[0], LoopNumbers.model_fields  # the keys that are taken by their names
        else:
            continue
        model = get_proper_type(types.get(of))
        if isinstance(model, Instance) and model.type.module_name in (
            "ringrift.planning.pipeline",
            "ringrift.planning.retry",
            "ringrift.planning.running",
            "ringrift.specs.train",
        ):
            if names == ("model_dump",) and model.type.name != "Pipeline":  # that one is copied, not used
                names = tuple(field for owner, field in KEYS if owner == model.type.name)
            found |= {(model.type.name, name) for name in names}
    return found & KEYS


@pytest.mark.slow
def test_each_key_of_the_pipeline_is_read():
    assert len(KEYS) > 60 and KEYS - reads(SOURCES) == set()
