"""Whole contents of each asset, small, for tests that put records into a store."""

from copy import deepcopy
from typing import Any

from resources.store.contents.base import Content
from resources.store.contents.games import SelfplayContent, TrainingContent
from resources.store.contents.matches import MatchesContent, RatingsContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.operations import HostsContent, ReportContent
from resources.store.contents.profiles import IncumbentContent, ProfileContent, SearchContent
from resources.store.contents.verdicts import VerdictsContent
from ringrift import names

HASH = "0123456789abcdef"
PROFILE = {"profile": "p", "profile_hash": HASH, "profile_weights": {"WEIGHT_TERRITORY": 9.5}}
INCUMBENT = {"champion": None, "champion_weights": None, "tier": "D2", **PROFILE}
VERDICT = {
    "outcome": "promoted",
    "blocks": 16,
    "mean": 0.75,
    "stderr": 0.1,
    "llr": 3,
    "elo": 190.0,
    "elo_interval": [20.5, 400],
}
FITNESS = {"score": 0.6, "low": 0.5, "high": 1, "games": 40}
CANDIDATE = {"kind": "mean", "replica": 0, "hash": HASH, "fitness": FITNESS}
PROOF = {
    **CANDIDATE,
    "match": "profile_0",
    "file": "gate-profile_0.json",
    "games": 32,
    "verdict": VERDICT,
    "digest": "d" * 64,
}
FOUND = {name: VERDICT[name] for name in ("outcome", "llr", "blocks", "elo", "elo_interval")}
UNCHANGED = {"before": None, "now": None, "promoted": False, "reason": "nothing was played", "evidence": None}
RATING = {"key": HASH, "name": "A", "rating": 1550.0, "low": 1500, "high": 1600.0, "los": None, "games": 2, "elo": 1516}

CONTENTS: dict[str, dict[str, Any]] = {
    names.INCUMBENT: INCUMBENT,
    names.SELFPLAY_GAMES: {
        "planned": 2,
        "games": 2,
        "capped": 0,
        "jobs": [{"job": "j", "planned": 2, "games": 2, "unique": 2, "capped": 0, "decisions": 50}],
        "skipped": [{"job": "k", "engine": "nn-only", "reason": "there is no champion"}],
    },
    names.TRAINING_DB: {
        "read": 3,
        "verified": 3,
        "games": 2,
        "decisions": 40,
        "rejected": {"capped": 1},
        "sources": {"selfplay": 2},
        "wins": {"1": 1, "2": 1},
        "endings": {"territory": 2},
        "thumbnail": None,
        "taken": [[0, "a" * 64]],
    },
    names.CMAES_PROFILE: {
        "incumbent": {"profile": "p", "hash": HASH},
        "proposal": {**CANDIDATE, "weights": {"WEIGHT_TERRITORY": 9}},
        "candidates": [CANDIDATE, {"kind": "consensus", "replica": None, "hash": HASH, "fitness": None}],
        "proofs": [PROOF],
        "searches": [{"generations": 2, "games": 144, "capped": 0}],
        "histories": [[{"generation": 0, "games": 48, "sigma": 0.5, "against_panel": 1}]],
        "changed": [{"weight": "WEIGHT_TERRITORY", "before": 8.0, "after": 9, "change": 0.5}],
        "rejected": {},
        "proof_games": 32,
        "digests": {"searches": ["b" * 64], "games": None},
    },
    names.TRAINED_MODEL: {
        "status": "trained",
        "have": 100,
        "need": 10,
        "model_id": "square8_2p_iter0",
        "weights": "c" * 64,
        "parent": None,
        "architecture": {"blocks": 1, "channels": 8},
        "parameters": {"epochs": 1},
        "window_shape": {"rows": 10, "alpha": 0.75, "beta": 1},
        "window": {"games": 100, "training_rows": 900, "first_iteration": 0, "last_iteration": 0},
        "metrics": {"loss": 1.5},
        "start_metrics": None,
        "history": [{"epoch": 1.0, "loss": 1.5}],
        "best_epoch": 1,
        "soft_share": 0.5,
        "small_plot": "data:",
    },
    names.HEURISTIC_PROFILES: {
        **PROFILE,
        "source": "cmaes",
        "fitness": FITNESS,
        "proof": PROOF,
        "over": HASH,
        "before": {"profile": "p", "hash": HASH},
        "promoted": True,
        "proofs": [],
        "metadata": {"p": {"source": "cmaes", "iteration": 0, "fitness": 0.6}},
    },
    names.TOURNAMENT_GAMES: {
        "games": 32,
        "capped": 0,
        "matches": [
            {
                "match": "tier_D2_to_D4",
                "title": "Descent5_vs_B4_Square8",
                "kind": "tier",
                "job": "job",
                "games": 32,
                "capped": 0,
                "whole": True,
                "entrants": [{"key": HASH, "seats": 32, "score": 1, "wins": 32}],
                "openings": 16,
                "gate": {"params": {"elo0": 0.0, "version": 1}, "verdict": VERDICT, "evidence": "e" * 64},
            }
        ],
        "participants": {HASH: {"name": "A", "label": "A", "participant": {"engine": "descent"}}},
        "rejected": {},
        "skipped": [{"match": "candidate", "reason": "there is none"}],
        "thumbnail": "data:",
    },
    names.ELO_RATINGS: {
        "ratings": [RATING],
        "participants": {HASH: {"name": "A", "participant": {"engine": "descent"}}},
        "seats": [{"seat": 1, "advantage": 18.5, "stderr": 2}],
        "games": 32,
        "games_now": 32,
        "history_rows": 32,
        "refused": {},
        "imbalance": 0,
        "finite": True,
        "small_plot": "data:",
    },
    names.TIER_ASSIGNMENT: {
        **INCUMBENT,
        "tier": "D4",
        "verdicts": {
            "profile": {
                **UNCHANGED,
                "evidence": {
                    "file": "profile_evidence.json",
                    "digest": "d",
                    "match": "m",
                    "candidate": HASH,
                    "opponent": None,
                    **FOUND,
                },
            },
            "champion": {**UNCHANGED, "weights": None},
            "tier": {
                "before": "D2",
                "now": "D4",
                "promoted": True,
                "reason": "it won",
                "floor": {"score": 1, "games": 32, "met": True},
                "players": [RATING, {"key": "0", "name": "B"}],
                "evidence": {"file": "tier_evidence.json", "digest": "d", "match": "m", "benchmarks": 1, **FOUND},
            },
        },
    },
    names.ITERATION_REPORT: {
        "config": "square8_2p",
        "iteration": 0,
        "selfplay": {"dispatched": 1, "total": 1},
        "cmaes": {},
        "tuning": {"profile": "p"},
        "proofs": [],
        "training": {},
        "network": {"model": "none"},
        "eval": {"A_vs_B": 0.5},
        "promotions": {},
        "verdicts": [],
        "matches": [],
        "leaderboard": [],
        "jobs": [{"job": "j", "games": 2}],
        "training_data": {"read": 3, "kept": 2},
        "skipped": [],
        "partial": [],
    },
    names.WORKER_RESOURCES: {
        "hosts": {
            "here": {
                "cpu": 45.0,
                "mem": 6,
                "disk": 23.7,
                "gpu": None,
                "cores": 2,
                "memory_gb": 23.5,
                "disk_free_gb": 77.4,
                "ready": True,
                "problem": None,
            },
            "there": {"cpu": None, "mem": None, "disk": None, "gpu": None, "ready": False, "problem": "status is off"},
        }
    },
}
KINDS: tuple[type[Content], ...] = (
    IncumbentContent,
    SelfplayContent,
    TrainingContent,
    SearchContent,
    TrainingOutcome,
    ModelContent,
    ProfileContent,
    MatchesContent,
    RatingsContent,
    VerdictsContent,
    ReportContent,
    HostsContent,
)


def sample(asset: str, **changes: Any) -> dict[str, Any]:
    """A whole content of an asset, with some of its fields changed."""
    return {**deepcopy(CONTENTS[asset]), **changes}
