"""The games of a generation are fair, and fitness is their mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.errors import InvalidInput
from ringrift.tuning.cma import Search
from ringrift.tuning.schedule import fitness_of, generation_fitness, schedule


@given(st.sampled_from((2, 3, 4)), st.integers(2, 12), st.integers(4, 16), st.integers(1, 4), st.integers(0, 20))
def test_a_generation_is_fair(players, pairs, games, panel, generation):
    population = 2 * pairs
    tables = schedule(players, population, games, panel, generation)
    assert len(tables) * players <= population * games
    seen = [0] * population
    for table in tables:
        assert len(table.entrants) == players and all(-panel <= e < population for e in table.entrants)
        for entrant in table.entrants:
            if entrant >= 0:
                seen[entrant] += 1
        for a in table.entrants:  # whoever sits at a table of several individuals sits there with its mirror
            if a >= 0 and sum(e >= 0 for e in table.entrants) > 1:
                assert a ^ 1 in table.entrants
    assert max(seen) - min(seen) == 0, "every individual plays as much as the others"
    assert any(min(table.entrants) < 0 for table in tables)
    for opening in {table.opening for table in tables}:  # all individuals meet on each opening
        present = {e for table in tables if table.opening == opening for e in table.entrants if e >= 0}
        assert present == set(range(population))


def test_a_schedule_needs_games_and_a_panel():
    with pytest.raises(InvalidInput, match="panel"):
        schedule(2, 4, 8, 0, 0)
    with pytest.raises(InvalidInput, match="at least 2"):
        schedule(2, 4, 1, 1, 0)
    with pytest.raises(InvalidInput, match="even number"):
        Search(5, 5, 0.5, 1)


def test_fitness_is_the_mean_over_tables_with_an_honest_interval():
    found = fitness_of([1.0, 0.5, 0.5, 1.0], 8)
    assert (found.score, found.games) == (0.75, 8) and 0.3 < found.low < 0.75 < found.high <= 1
    assert fitness_of([1.0], 2).low < 0.5, "one won table proves nothing"
    tables = schedule(2, 4, 4, 1, 0)
    scores = [(1.0, 0.0) if table.entrants[0] == 2 else (0.5, 0.5) for table in tables]
    fitness = generation_fitness(tables, scores, 4)
    assert max(range(4), key=lambda i: fitness[i].score) == 2
    assert fitness[3].score < 0.5 == fitness[0].score
