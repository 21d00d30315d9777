import pickle

import pytest

from ringrift.errors import IllegalMove, InvalidInput, printable, printable_lines


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InvalidInput("tier", "D3", "use D2"), "tier: 'D3' is not allowed; use D2"),
        (InvalidInput("jobs[0]", {}, problem="missing key 'config'"), "jobs[0]: missing key 'config'"),
        (InvalidInput("", "my.yaml", problem="my.yaml is not valid YAML: line 1"), "my.yaml is not valid YAML: line 1"),
        (InvalidInput("file", 1, "remove it", problem="damaged"), "file: damaged; remove it"),
    ],
)
def test_the_message_says_where_what_and_what_to_do(error, text):
    assert str(error) == text


def test_a_long_value_is_cut():
    assert len(str(InvalidInput("field", "x" * 500, "use less"))) < 170


@pytest.mark.parametrize("kind", [InvalidInput, IllegalMove])
def test_an_error_crosses_between_processes_with_all_its_parts(kind):
    before = kind("move", "zz", "use a move", problem="no move")
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind and str(after) == str(before)
    assert (after.field, after.value, after.allowed, after.problem) == ("move", "zz", "use a move", "no move")


def test_a_value_that_stands_for_billions_is_named_at_once_and_shortly():
    bomb: list = ["x" * 50] * 9
    for _ in range(12):
        bomb = [bomb] * 9
    assert len(str(InvalidInput("configs", bomb, "y" * 10_000))) < 1500
    assert "huge number" in str(InvalidInput("games", 1 << 100_000))


def test_a_text_for_the_terminal_is_one_line_without_control_characters():
    assert printable("a\x1b[31mb\nc\x07\x9b\u202ed é 界") == "a\\x1b[31mb c\\x07\\x9b\\u202ed é 界"
    assert printable_lines("a\tb\r\nc\x1b]0;x\n") == "a\tb \nc\\x1b]0;x\n"
