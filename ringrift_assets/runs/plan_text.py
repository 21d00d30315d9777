"""The plans of a dry run as lines of text."""

from collections.abc import Sequence
from typing import Any

from ringrift_assets.runs.plan_rows import Entry


def print_plans(plans: Sequence[dict[str, Any]]) -> None:
    """The plans as lines of text."""
    for plan in plans:
        print(
            f"{plan['config']}|{plan['iteration']:04d}: {plan['games']} games in {len(plan['jobs'])} jobs on "
            f"{', '.join(plan['hosts'])}; {plan['stored_games']} games are stored"
        )
        if plan["up_to_date"]:
            print(f"  up to date: {', '.join(plan['up_to_date'])}")
        for job in plan["jobs"]:
            print(f"  {_named(job)}: {job['games']} games{_after(job)}")
        for search in plan["searches"]:
            games = f"{search['generations']} generations, at most {search['games']} games"
            print(f"  {_named(search)}: {games}{_after(search)}")
        if training := plan["training"]:
            print(f"  training: {training['have']} games are stored, {training['need']} are needed")
        for match in plan["matches"]:
            print(f"  {_named(match)}: {'at most ' if match['gate'] else ''}{match['games']} games{_after(match)}")
        for job in plan["other_jobs"]:
            print(f"  {_named(job)}{_after(job)}")
        for entry in plan["skipped"]:
            print(f"  skipped {entry['job']}: {entry['reason']}")
        for entry in plan["skipped_matches"]:
            print(f"  skipped {entry['match']}: {entry['reason']}")


def _named(job: Entry) -> str:
    return job["id"] or " ".join(job[name] for name in ("asset", "job") if name in job)


def _after(job: Entry) -> str:
    return f" (its id is known after {', '.join(job['after'])})" if job["after"] else ""
