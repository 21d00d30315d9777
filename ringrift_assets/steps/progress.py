"""Progress in one unit, Elo over the frozen anchor, and the CPU time it took."""

from collections.abc import Iterable, Mapping, Sequence
from math import hypot

from resources.store.contents.base import Number, Row, content_of
from resources.store.contents.matches import MatchesContent, MatchStanding
from resources.store.contents.operations import PhaseCost, Progress, ProgressPoint
from resources.store.contents.profiles import IncumbentContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.record import Record
from resources.store.store import Store
from resources.views.text import elo_text
from ringrift import names
from ringrift.planning.matches import ANCHOR
from ringrift_assets.steps.advice import advise, facts_of

COSTS = {
    "selfplay": (names.SELFPLAY_GAMES,),
    "verification": (names.TRAINING_DB,),
    "CMA-ES": (names.CMAES_PROFILE, names.HEURISTIC_PROFILES),
    "training": (names.TRAINED_MODEL,),
    "matches": (names.TOURNAMENT_GAMES, names.ELO_RATINGS),
}
"""The assets whose jobs a phase runs, by its name for people."""


def progress_of(store: Store, config: str, iteration: int) -> Progress:
    """The progress of a config up to an iteration, from the records of its assets and of those of earlier iterations.

    Raises MissingInput where a partition of the iteration that it needs is not in the store.
    """
    costs = {phase: [r for a in assets for r in store.upto(a, config, iteration)] for phase, assets in COSTS.items()}
    played = {r.iteration: content_of(r, MatchesContent) for r in costs["matches"] if r.asset == names.TOURNAMENT_GAMES}
    judged = {r.iteration: content_of(r, VerdictsContent) for r in store.upto(names.TIER_ASSIGNMENT, config, iteration)}
    before = content_of(store.need(names.INCUMBENT, config, iteration), IncumbentContent)
    anchor, points = points_of(played, judged)
    return Progress(
        anchor=anchor,
        points=points,
        gain=gain_of(points, judged, before.champion_weights, iteration),
        costs=[
            PhaseCost(
                phase=phase,
                cpu_s=_cpu_s(record for record in records if record.iteration == iteration),
                cpu_s_so_far=_cpu_s(records),
            )
            for phase, records in costs.items()
        ],
        advice=advise(facts_of(store, config, iteration)),
    )


def points_of(
    played: Mapping[int, MatchesContent], judged: Mapping[int, VerdictsContent]
) -> tuple[str | None, list[ProgressPoint]]:
    """The name of the newest anchor (None: there is none), and a point for each iteration that has met the same one.

    Both mappings are by iteration, ascending. An iteration whose match is missing or not whole has no point.
    """
    anchored = {i: match for i, found in played.items() if (match := found.match_of(ANCHOR)) and match.whole}
    if not anchored:
        return None, []
    newest = max(anchored)
    anchor = anchored[newest].entrants[1].key
    champions: dict[str, Number] = {}  # Elo of promoted candidates by weights hash
    points = []
    for iteration, match in anchored.items():
        if match.entrants[1].key != anchor or match.standing is None:
            continue
        found, verdict, player = played[iteration], judged.get(iteration), match.entrants[0].key
        gate = found.match_of("champion")
        candidate = gate is not None and gate.entrants[0].key == player
        promoted = candidate and verdict is not None and verdict.verdicts.champion.promoted
        weights = verdict.champion_weights if verdict else None
        if promoted and weights:
            champions[weights] = match.standing.elo
        points.append(
            ProgressPoint(
                **match.standing.model_dump(),
                iteration=iteration,
                player=found.participants[player].name,
                games=match.games,
                candidate="promoted" if promoted else "not promoted" if candidate else "none",
                champion=champions.get(weights) if weights else None,
            )
        )
    return played[newest].participants[anchor].name, points


def gain_of(
    points: Sequence[ProgressPoint], judged: Mapping[int, VerdictsContent], before: str | None, iteration: int
) -> MatchStanding | None:
    """Elo over the anchor that an iteration added to the champion; None where one of the two was not measured.

    It is the promoted candidate's less that of the champion `before` it (weights hash), or less 0, the anchor's own,
    where there was none. Nothing is gained without a promotion.
    """
    promoted = [i for i, verdict in judged.items() if verdict.verdicts.champion.promoted]
    if iteration not in promoted:
        return MatchStanding(elo=0, low=0, high=0)
    measured = {point.iteration: point for point in points if point.candidate == "promoted"}
    new = measured.get(iteration)
    if new is None or before is None:
        return new and MatchStanding(elo=new.elo, low=new.low, high=new.high)
    old = [measured.get(i) for i in promoted if i < iteration and judged[i].champion_weights == before]
    return difference(new, old[-1]) if old and old[-1] else None


def difference(new: MatchStanding, old: MatchStanding) -> MatchStanding:
    """`new` less `old`, both measured apart, with the interval of Zou and Donner (Statistics in Medicine 27, 2008)."""

    def bound(end: Number | None, other: Number | None, sign: int) -> float | None:
        if end is None or other is None:
            return None
        return new.elo - old.elo + sign * hypot(end - new.elo, other - old.elo)

    return MatchStanding(elo=new.elo - old.elo, low=bound(new.low, old.high, -1), high=bound(new.high, old.low, 1))


def _cpu_s(records: Iterable[Record]) -> float:
    """CPU seconds of the jobs that made some partitions; one that needed no job has none."""
    return round(sum(record.provenance.get("cpu_s", 0.0) for record in records), 3)


def point_rows(progress: Progress) -> list[Row]:
    """One row of text a point, newest first, for tables."""
    return [
        {
            "iteration": point.iteration,
            "player": point.player,
            "candidate": point.candidate,
            "games": point.games,
            "Elo over the anchor (95 %)": elo_text(point),
        }
        for point in reversed(progress.points)
    ]


def cost_rows(progress: Progress) -> list[Row]:
    """One row a phase, then the iteration as a whole: CPU time, and the gain for it if only this phase had cost."""
    whole = PhaseCost(
        phase="all",
        cpu_s=sum(cost.cpu_s for cost in progress.costs),
        cpu_s_so_far=sum(cost.cpu_s_so_far for cost in progress.costs),
    )
    return [
        {
            "phase": cost.phase,
            "CPU s": round(float(cost.cpu_s), 1),
            "share": f"{cost.cpu_s / whole.cpu_s:.0%}" if whole.cpu_s else "",
            "CPU s so far": round(float(cost.cpu_s_so_far), 1),
            "Elo a core-hour, if only this had cost": elo_text(progress.gain, 3600 / cost.cpu_s) if cost.cpu_s else "",
        }
        for cost in [*progress.costs, whole]
    ]
