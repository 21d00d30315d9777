"""The replay page: frames hold what the state holds, the page is one safe file, and a browser can step it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.render.replay_page import frame_of, replay_page
from ringrift.rules import moves
from ringrift.rules import state as st
from ringrift.rules.geometry import board

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def start(name: str, players: int) -> np.ndarray:
    return st.new_state(board(name), players, Config(name, players).options())


def short_game(name: str = "square8", players: int = 2) -> list[dict[str, Any]]:
    """Frames as after: place two rings, move them over a marker, collapse, and win."""
    s, first = start(name, players), board(name).first_cell
    frames = [frame_of(s, None)]
    s[first + 2], s[st.PHASE], s[st.MUST], s[st.HAND] = st.stack_word([0, 0]), st.MOVEMENT, 2, 16
    frames.append(frame_of(s, moves.encode(moves.PLACE, 2, 0, 2)))
    s[first + 2], s[first + 5], s[st.PHASE], s[st.MUST], s[st.CUR] = -1, st.stack_word([0, 0]), 0, -1, 1
    frames.append(frame_of(s, moves.encode(moves.MOVE, 2, 0, 5)))
    s[first + 2], s[st.TERR + 1] = -6, 1
    s[st.PHASE], s[st.WINNER], s[st.REASON] = st.OVER, 1, st.BY_TERRITORY
    frames.append(frame_of(s, moves.encode(moves.CLAIM)))
    return frames


def embedded(page: str) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert match is not None
    return json.loads(match[1])


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_frame_holds_the_state() -> None:
    s, first = start("hex8", 3), board("hex8").first_cell
    s[first + 1], s[first + 2], s[first + 3] = st.stack_word([0, 2, 1]), -3, -5
    s[st.PHASE], s[st.CUR], s[st.CHAIN], s[st.ELIM + 2] = st.CHAIN_CAPTURE, 1, 1, 7
    frame = frame_of(s, moves.encode(moves.OVERTAKE, 9, 5, 1))
    assert frame["cells"][:5] == ["", "132", "c", "A", ""] and len(frame["cells"]) == 61
    assert (frame["path"], frame["bound"]) == ([9, 5, 1], 1)
    assert (frame["phase"], frame["player"], frame["elim"]) == ("chain_capture", 2, [0, 0, 7])
    assert json.loads(json.dumps(frame)) == frame


@pytest.mark.parametrize(
    ("code", "path"),
    [
        (moves.encode(moves.PLACE, 3, 0, 1), [3]),
        (moves.encode(moves.MOVE, 3, 0, 9), [3, 9]),
        (moves.encode(moves.CONTINUE, 3, 4, 5), [3, 4, 5]),
        (moves.encode(moves.SLIDE, 3, 4, 1), [3, 4]),
        (moves.encode(moves.ELIMINATE, 3, 0, 1), [3]),
        (moves.encode(moves.FORCE, 3), [3]),
        (moves.encode(moves.PROCESS_LINE, 3, 1), []),
        (moves.encode(moves.CLAIM, 0, 0, 3), []),
        (moves.encode(moves.NO_LINE), []),
    ],
)
def test_path_follows_the_move(code: int, path: list[int]) -> None:
    frame = frame_of(start("square8", 2), code)
    assert frame["path"] == path
    assert frame["text"] == moves.to_notation("square8", code)


def test_changes_rebuild_every_position() -> None:
    frames = short_game()
    data = embedded(replay_page("game", frames, {}))
    cells = data["start"]
    for frame, ply in zip(frames, data["plies"], strict=True):
        for cell, token in zip(ply[5][::2], ply[5][1::2], strict=True):
            cells[cell] = token
        assert cells == frame["cells"]
    assert [ply[0] for ply in data["plies"]] == ["start", "Pa3x2", "a3-a6", "T0"]
    assert [ply[1] for ply in data["plies"]] == [0, 1, 1, 2], "the player to move in the frame before"
    assert (data["winner"], data["result"]) == (2, "game over, player 2 wins by territory")


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("players", [2, 3, 4])
def test_page_needs_nothing_from_outside(name: str, players: int) -> None:
    page = replay_page("game", short_game(name, players), {"config": f"{name}_{players}p"})
    assert re.search(r"https?://|//\w+\.\w|@import|\{\{", page) is None
    tags = Tags()
    tags.feed(page)
    assert not any(tag in ("link", "img", "iframe", "object") for tag, _ in tags.found)
    assert not any(attrs.get("src") for _, attrs in tags.found)
    assert all((attrs.get("href") or "#").startswith("#") for _, attrs in tags.found)


def test_every_control_has_a_label() -> None:
    tags = Tags()
    tags.feed(replay_page("game", short_game(), {}))
    controls = [attrs for tag, attrs in tags.found if tag in ("button", "input", "select", "svg")]
    assert len(controls) == 8 and all(attrs.get("aria-label") for attrs in controls)


def test_data_is_escaped() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{data}}"
    page = replay_page(evil, short_game(), {evil: evil, "players": [evil, "b"], "result": evil})
    assert "<script>alert" not in page and "<img" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert embedded(page)["names"][0] == embedded(page)["result"] == evil
    assert "&lt;/script&gt;" in page and "{{data}}" in page, "text is shown, and is no placeholder"


def test_a_long_game_on_a_large_board_stays_small() -> None:
    s, first = start("square19", 2), board("square19").first_cell
    frames = [frame_of(s, None)]
    for ply in range(300):
        here, there = ply, (ply * 7 + 40) % 361
        s[first + here], s[first + there] = -1 - ply % 2, st.stack_word([ply % 2] * 3)
        frames.append(frame_of(s, moves.encode(moves.MOVE, here, 0, there)))
    assert len(replay_page("game", frames, {})) < 200_000


def test_bad_frames_are_named() -> None:
    frames = short_game()
    with pytest.raises(InvalidInput, match="frames"):
        replay_page("game", [], {})
    with pytest.raises(InvalidInput, match="players"):
        replay_page("game", frames, {"players": ["only one"]})
    with pytest.raises(InvalidInput, match="frame 1"):
        replay_page("game", [frames[0], frame_of(start("hex8", 2), None)], {})
    with pytest.raises(InvalidInput, match="frame 0 cells"):
        replay_page("game", [frames[0] | {"cells": ["<b>"] * 64}], {})
    with pytest.raises(InvalidInput, match="frame 0 phase"):
        replay_page("game", [frames[0] | {"path": [64]}], {})


@pytest.mark.ui
@pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium on the PATH")
def test_a_browser_steps_through_the_game(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    file = tmp_path / "game.html"
    file.write_text(replay_page("game", short_game(), {}), encoding="utf-8")
    quiet = [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.goto(file.as_uri())

        def drawn(selector: str) -> int:
            return page.locator(f"#position {selector}").count()

        assert (page.inner_text("#count"), drawn(".st")) == ("0 / 3", 0)
        page.keyboard.press("ArrowRight")
        assert "Pa3x2" in page.inner_text("#now") and drawn(".st use[href='#r']") == 2
        page.keyboard.press("ArrowRight")
        assert (drawn(".st"), drawn("use[href='#m']"), drawn(".ar"), drawn(".hf")) == (1, 1, 1, 1)
        page.locator("#hits use").nth(5).hover()
        assert page.inner_text("#info") == "a6: rings 1 1, bottom to top"
        page.keyboard.press("End")
        assert "player 2 wins by territory" in page.inner_text("#now") and drawn(".te use") == 1
        page.locator("#moves button").first.click()
        assert page.inner_text("#count") == "1 / 3"
        page.select_option("#speed", "60")
        page.click("#play")
        sync_api.expect(page.locator("#count")).to_have_text("3 / 3")
        assert page.inner_text("#play").endswith("Play"), "it stops at the end"
        assert errors == []
        browser.close()
