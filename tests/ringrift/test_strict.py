import pytest
from pydantic import Field

from ringrift.errors import InvalidInput, MissingInput
from ringrift.strict import Strict, parse, read_document


class Job(Strict):
    name: str
    games: int = Field(default=1, ge=1)


class File(Strict):
    jobs: list[Job] = Field(default_factory=list)
    limits: dict[str, Job] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"jobs": [{"games": 2}]}, "f.yaml: jobs[0]: missing key 'name'"),
        ({"jobs": [{"name": "a", "game": 2}]}, "f.yaml: jobs[0]: unknown key 'game'; the nearest known key is 'games'"),
        ({"jbos": []}, "f.yaml: unknown key 'jbos'; the nearest known key is 'jobs'"),
        (
            {"jobs": [{"name": "a"}, {"name": "b", "games": 0}]},
            "f.yaml: jobs[1].games: 0 is not allowed; input should be greater than or equal to 1",
        ),
        (
            {"limits": {"x": {"name": "a", "games": "3"}}},
            "f.yaml: limits.x.games: '3' is not allowed; input should be a valid integer",
        ),
    ],
)
def test_one_line_says_where_what_and_what_is_allowed(data, text):
    with pytest.raises(InvalidInput) as caught:
        parse(File, data, "f.yaml")
    assert str(caught.value) == text


def test_further_faults_are_counted():
    with pytest.raises(InvalidInput, match=r"missing key 'name' \(1 more\)"):
        parse(File, {"jobs": [{}, {}]}, "f.yaml")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", "jobs: [1", "a.yaml is not valid YAML: while parsing"),
        ("a.json", "{", "a.json is not valid JSON: "),
        ("a.yaml", "a: 1\na: 2", "duplicate key 'a'"),
        ("a.json", '{"a": 1, "a": 2}', "duplicate key 'a'"),
        ("a.yaml", "- 1", "a.yaml: not a mapping; use a mapping of keys to values"),
    ],
)
def test_a_document_that_does_not_parse_is_told_with_its_name(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_document(tmp_path / name)
    assert expected in str(caught.value) and str(tmp_path / name) in str(caught.value)


def test_a_document_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingInput, match="give the path of a YAML or JSON file"):
        read_document(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "- " * 5_000, "? " * 3_000, "\n".join(" " * level + "a:" for level in range(3_000))],
    ids=["brackets", "lists", "keys", "indentation"],
)
def test_a_document_that_is_nested_too_deep_is_refused_before_it_is_built(tmp_path, text):
    (tmp_path / "deep.yaml").write_text(text)
    with pytest.raises(InvalidInput, match="nested more than 100 levels deep"):
        read_document(tmp_path / "deep.yaml")


def test_brackets_and_columns_alone_do_not_make_a_document_deep(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text("hosts:\n" + "".join(f"  host{number}: {{slots: [1, 2]}}\n" for number in range(200)))
    assert len(read_document(path)["hosts"]) == 200
    path.write_text(f"text: >\n{' ' * 120}far to the right\n")
    assert read_document(path) == {"text": "far to the right\n"}
