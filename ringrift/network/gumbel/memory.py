"""Flat arrays of the search trees and of the games that are searched side by side."""

from typing import NamedTuple

import numpy as np

from ringrift.rules.geometry import Board
from ringrift.rules.state import state_words

RECORDED = 128  # decisions it is recorded for, the likeliest: a flat policy cut to a few would be a wrong target
CHILDREN_KEPT = 512  # nodes a simulation may add on average; a search whose memory is full ends early

NOT_GROWN, ENDED_GAME = -1, -2  # values of Trees.slot beside rows of Trees.states
DECIDING, SEARCHING, ELSEWHERE, FINISHED = range(4)  # a game's status
# columns of Games.control
STATUS, PLAYED, SPENT, BUDGET, FULL, DEPTH, NODES, SLOTS = range(8)


class Trees(NamedTuple):
    """Memory of one search a game: G games, N nodes, K kept positions. Node 0 is the root."""

    states: np.ndarray  # int64 [G, K, state words]
    code: np.ndarray  # uint32 [G, N], the decision that leads here
    slot: np.ndarray  # int32 [G, N], row of `states`, NOT_GROWN or ENDED_GAME
    first: np.ndarray  # int32 [G, N], first child
    children: np.ndarray  # int32 [G, N]
    visits: np.ndarray  # int32 [G, N]
    mover: np.ndarray  # int8 [G, N], participant who decides here
    logit: np.ndarray  # float64 [G, N], of the decision that leads here
    totals: np.ndarray  # float64 [G, N, 4], sum over visits of each participant's score
    judged: np.ndarray  # float64 [G, N, 4], scores by the network, or of the ended game
    path: np.ndarray  # int32 [G, N'], nodes from the root to the leaf
    noise: np.ndarray  # float64 [G, max_moves], Gumbel noise of the root's decisions
    worth: np.ndarray  # float64 [G, max_moves], working memory
    trial: np.ndarray  # int64 [G, state words], working memory


class Games(NamedTuple):
    """G games in progress. Where the second index is a participant, there are four; a swap does not move them."""

    states: np.ndarray  # int64 [G, state words]
    codes: np.ndarray  # uint32 [G, cap], decisions so far
    control: np.ndarray  # int64 [G, 8]
    model: np.ndarray  # int64 [G, 4], number of the participant's network, -1 for a player without
    budget: np.ndarray  # int64 [G, 4], simulations a decision
    full_share: np.ndarray  # float64 [G, 4], share of the decisions searched with the whole budget and recorded
    temperature: np.ndarray  # float64 [G, 4], scale of the Gumbel noise
    rng: np.ndarray  # uint64 [G, 4, 1], a stream a participant
    decided: np.ndarray  # int64 [G, 4], decisions played for a participant here
    kept: np.ndarray  # int64 [G, cap], this and the next four as players.search.targets.Searched
    found: np.ndarray  # uint32 [G, cap, RECORDED]
    shares: np.ndarray  # int64 [G, cap, RECORDED]
    spent: np.ndarray  # int64 [G, cap]
    value: np.ndarray  # float64 [G, cap]


def new_trees(b: Board, games: int, budget: int) -> Trees:
    """Memory for one search a game of up to `budget` simulations; what is not used is never touched."""
    words, kept = state_words(b), budget + 1
    nodes = 1 + b.max_moves + budget * min(CHILDREN_KEPT, b.max_moves)
    return Trees(
        states=np.empty((games, kept, words), dtype=np.int64),
        code=np.empty((games, nodes), dtype=np.uint32),
        slot=np.empty((games, nodes), dtype=np.int32),
        first=np.empty((games, nodes), dtype=np.int32),
        children=np.empty((games, nodes), dtype=np.int32),
        visits=np.empty((games, nodes), dtype=np.int32),
        mover=np.empty((games, nodes), dtype=np.int8),
        logit=np.empty((games, nodes), dtype=np.float64),
        totals=np.empty((games, nodes, 4), dtype=np.float64),
        judged=np.empty((games, nodes, 4), dtype=np.float64),
        path=np.empty((games, kept + 1), dtype=np.int32),
        noise=np.empty((games, b.max_moves), dtype=np.float64),
        worth=np.empty((games, b.max_moves), dtype=np.float64),
        trial=np.empty((games, words), dtype=np.int64),
    )


def new_games(b: Board, games: int, cap: int) -> Games:
    """Room for so many games of up to `cap` decisions, none of them begun."""
    return Games(
        states=np.zeros((games, state_words(b)), dtype=np.int64),
        codes=np.empty((games, cap), dtype=np.uint32),
        control=np.zeros((games, 8), dtype=np.int64),
        model=np.full((games, 4), -1, dtype=np.int64),
        budget=np.zeros((games, 4), dtype=np.int64),
        full_share=np.ones((games, 4), dtype=np.float64),
        temperature=np.zeros((games, 4), dtype=np.float64),
        rng=np.zeros((games, 4, 1), dtype=np.uint64),
        decided=np.zeros((games, 4), dtype=np.int64),
        kept=np.zeros((games, cap), dtype=np.int64),
        found=np.empty((games, cap, RECORDED), dtype=np.uint32),
        shares=np.empty((games, cap, RECORDED), dtype=np.int64),
        spent=np.zeros((games, cap), dtype=np.int64),
        value=np.empty((games, cap), dtype=np.float64),
    )
