"""Blocks of a match: the games of one opening, their scores, and what a gate makes of them."""

from ringrift.matches.plan import Rankings
from ringrift.stats.results import game_scores
from ringrift.stats.sprt import SequentialTest, Verdict, judge_blocks


def games_of(block: int, players: int) -> range:
    """Indices of the games of a block, counted from 0."""
    return range(block * players, (block + 1) * players)


def block_scores(rankings: Rankings, players: int) -> list[float]:
    """Mean score of the first participant in each whole block from block 0 on, each in [0, 1]."""
    scores: list[float] = []
    while all(index in rankings for index in games_of(len(scores), players)):
        games = games_of(len(scores), players)
        scores.append(sum(game_scores(rankings[i], players)[i % players] for i in games) / players)
    return scores


def verdict_of(rankings: Rankings, gate: SequentialTest, players: int) -> Verdict:
    """What the gate says of a match's games by index."""
    return judge_blocks(block_scores(rankings, players), gate, players=players)
