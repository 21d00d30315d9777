"""What `ringrift run --dry-run` shows: the jobs of a partition, without doing any of them."""

from collections.abc import Sequence
from typing import Any

from resources.registry import Registry
from resources.workbench import Workbench
from ringrift.config import parse_config
from ringrift_assets.assets.incumbent import NO_CHAMPION, start_profile
from ringrift_assets.assets.tournament_games import networks
from ringrift_assets.assets.trained_model import least_games


def show_plan(bench: Workbench, key: str, iteration: int, assets: Sequence[str]) -> dict[str, Any]:
    """The jobs that making `assets` of a partition would run, as JSON."""
    from ringrift.evaluation import plan_matches
    from ringrift.model_files import ModelFile
    from ringrift.selfplay import plan_jobs
    from ringrift.tuning import trained_profiles

    stored = bench.store.get("incumbent", key, iteration)
    start = {**NO_CHAMPION, "tier": bench.pipeline.tiers.start, **start_profile(key)}
    force = stored.data if stored else start
    profiles = trained_profiles(force["profile"], force["profile_weights"])
    weights = force["champion_weights"]
    champion = ModelFile(**Registry(bench.home).input_of(weights)) if weights else None
    told: dict[str, Any] = {"profiles": profiles, "champion": champion}
    plan = plan_jobs(bench.pipeline, parse_config(key), iteration, tier=force["tier"], **told)
    trained = bench.store.get("trained_model", key, iteration)
    told |= networks(bench, key, force, trained) if trained else {"no_candidate": "no model is trained yet"}
    matches = plan_matches(bench.pipeline, parse_config(key), iteration, force, **told)
    jobs, games = plan.jobs if "selfplay_games" in assets else [], bench.store.get("selfplay_games", key, iteration)
    found: dict[str, Any] = {
        "config": key,
        "iteration": iteration,
        "assets": list(assets),
        "jobs": [{"id": spec.job_id, "games": spec.params["games"]} for spec in jobs],
        "games": sum(spec.params["games"] for spec in jobs),
        "skipped": [entry._asdict() for entry in plan.skipped] if jobs else [],
        "hosts": [host.name for host in bench.eligible("selfplay")],
        "stored_games": games.rows if games else 0,
        "searches": _searches(bench, key, iteration, force) if "cmaes_profile" in assets else [],
        "training": _training(bench, key, iteration) if "trained_model" in assets else None,
        "matches": [],
        "skipped_matches": [],
    }
    if "tournament_games" in assets:
        found["matches"] = [_match(match.spec.params, match.spec.job_id, match.kind) for match in matches.matches]
        found["skipped_matches"] = [entry._asdict() for entry in matches.skipped]
    return found


def _training(bench: Workbench, key: str, iteration: int) -> dict[str, int]:
    """Games that are stored for a training, and those it needs; what the iteration itself plays comes on top."""
    stored = bench.store.upto("training_db", key, iteration)
    return {"have": sum(record.rows for record in stored), "need": least_games(bench.pipeline, key)}


def _searches(bench: Workbench, key: str, iteration: int, force: dict[str, Any]) -> list[dict[str, Any]]:
    """The CMA-ES jobs; the games are the most, measuring the candidates included."""
    from ringrift.cmaes_job import search_job
    from ringrift.tuning import search_params

    profile, weights = force["profile"], force["profile_weights"]
    return [
        {
            "id": search_job(params).job_id,
            "generations": params.generations,
            "games": (params.generations + 1) * params.population * params.games_per_evaluation,
        }
        for params in search_params(bench.pipeline, parse_config(key), iteration, profile, weights)
    ]


def _match(params: dict[str, Any], job: str, kind: str) -> dict[str, Any]:
    seats = parse_config(params["config"]).players
    return {"id": job, "kind": kind, "games": params.get("games") or params["blocks"] * seats, "gate": "gate" in params}


def print_plan(plans: Sequence[dict[str, Any]]) -> None:
    """The plans as lines of text."""
    for plan in plans:
        print(
            f"{plan['config']}|{plan['iteration']:04d}: {plan['games']} games in {len(plan['jobs'])} jobs on "
            f"{', '.join(plan['hosts'])}; {plan['stored_games']} games are stored"
        )
        for job in plan["jobs"]:
            print(f"  {job['id']}: {job['games']} games")
        for search in plan["searches"]:
            print(f"  {search['id']}: {search['generations']} generations, at most {search['games']} games")
        if training := plan["training"]:
            print(f"  training: {training['have']} games are stored, {training['need']} are needed")
        for match in plan["matches"]:
            print(f"  {match['id']}: {'at most ' if match['gate'] else ''}{match['games']} games")
        for entry in plan["skipped"]:
            print(f"  skipped {entry['job']}: {entry['reason']}")
        for entry in plan["skipped_matches"]:
            print(f"  skipped {entry['match']}: {entry['reason']}")
