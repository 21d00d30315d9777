"""Where the next hour is best spent: each rule has its case, their order holds, and the facts are said."""

from typing import Any

import pytest

from resources.store.contents.matches import Match
from resources.store.contents.models import ModelContent, TrainingOutcome
from ringrift import names
from ringrift_assets.steps.advice import RULES, Facts, advise
from tests.resources.sample_contents import VERDICT, sample


def gate(outcome: str | None, low: float, high: float) -> Match:
    """A candidate's gate that asks about a step of 35 Elo and ended so (None: it has not ended)."""
    verdict = {**VERDICT, "outcome": outcome, "elo": (low + high) / 2, "elo_interval": [low, high]}
    about = {"match": "candidate_vs_champion", "title": "t", "kind": "champion", "job": "j", "games": 32, "capped": 0}
    asked = {"params": {"elo0": 0.0, "elo1": 35.0}, "verdict": verdict if outcome else None, "evidence": None}
    return Match(**about, whole=True, entrants=[], openings=16, gate=asked)


def trained(best: int, run: int, most: int, games: int = 600) -> ModelContent:
    """A network of so many games, from a training that ran some of the epochs it was allowed."""
    content = {"history": [{"epoch": float(run), "loss": 1.0}], "best_epoch": best, "parameters": {"epochs": most}}
    return ModelContent.model_validate(sample(names.TRAINED_MODEL, window={"games": games}, **content))


def facts(**more: Any) -> Facts:
    """A refused candidate of a training that stopped by itself."""
    usual = {"promoted": False, "new_profile": False, "gate": gate("rejected", -60, 5), "lesson": trained(9, 13, 16)}
    return Facts(**{**usual, "played": 300, "played_cpu_s": 1500.0, **more})


def test_after_a_promotion_the_new_champion_plays_and_the_price_is_the_measured_one():
    found = advise(facts(promoted=True, new_profile=True, lesson=trained(16, 16, 16)))
    assert found.rule == RULES[0].condition and found.sentence == (
        "Play games of the new champion: about 600 games, as many again as networks learn from now; "
        "at 5 CPU s a game some 50 core-minutes."
    )


def test_a_new_profile_is_played_with():
    found = advise(facts(new_profile=True, lesson=trained(16, 16, 16)))
    assert found.rule == RULES[1].condition and found.sentence.startswith("Play games with the new profile: about 600")


def test_a_training_whose_last_allowed_epoch_was_its_best_is_made_longer():
    found = advise(facts(gate=gate("inconclusive", -200, 300), lesson=trained(16, 16, 16)))
    assert found.rule == RULES[2].condition and found.sentence.startswith("Train longer")
    assert advise(facts(lesson=trained(15, 16, 16))).rule == RULES[4].condition, "it stopped getting better"


@pytest.mark.parametrize("ended", [gate("inconclusive", -30, 41), gate(None, 0, 0)])
def test_a_gate_that_tells_less_than_the_step_it_asks_about_is_made_longer(ended: Match):
    found = advise(facts(gate=ended))
    assert found.rule == RULES[3].condition and found.sentence.startswith("Play longer gates")


@pytest.mark.parametrize(
    "ended", [gate("inconclusive", -29, 41), gate("rejected", -200, 100), gate("rejected", -90, -20), None]
)
def test_a_candidate_that_is_about_the_same_asks_for_as_many_games_again(ended: Match | None):
    found = advise(facts(gate=ended))
    assert found.rule == RULES[4].condition and "as many again as networks learn from now" in found.sentence


def test_before_the_first_network_the_games_it_lacks_are_played():
    few = TrainingOutcome(status="not_enough_games", have=30, need=200)
    found = advise(facts(gate=None, lesson=few))
    assert "about 170 games, what the first network lacks" in found.sentence
    assert {"gate: no candidate has played one", "training: none, 30 of 200 games are there"} <= set(found.facts)


def test_without_played_games_no_price_is_made_up():
    assert "what a game costs was not measured" in advise(facts(played=0, played_cpu_s=0.0)).sentence


def test_the_advice_says_what_it_was_derived_from():
    assert advise(facts()).facts == [
        "gate candidate_vs_champion: rejected after 16 blocks, Elo -28 (-60 to +5)",
        "profile: unchanged",
        "training: 600 games; the best epoch was 9 of 13, 16 are allowed",
        "selfplay: 300 games took 1,500 CPU s",
    ]


def test_there_are_few_rules_and_the_last_always_holds():
    assert len(RULES) <= 5 and RULES[-1].holds(facts(promoted=True))
