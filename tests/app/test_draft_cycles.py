"""Cycles in any graph: found for each that lies on one, and told in few words."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.drafts.cycles import cycles


def test_a_cycle_of_any_length_is_found_and_its_message_stays_short() -> None:
    ring = {f"n{one}": [f"n{(one + 1) % 5000}"] for one in range(5000)}
    found = cycles(ring, ring)
    assert found.keys() == ring.keys()
    assert found["n7"].startswith("n7 -> n8 -> ")
    assert found["n7"].endswith(" -> ... -> n7")
    assert max(map(len, found.values())) < 1000


NODES = st.sampled_from("abcdefg")


def reached(graph: dict[str, list[str]], start: str) -> set[str]:
    """Return what can be reached from `start` by at least one edge."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.get(node, [])
    return found


@given(st.dictionaries(NODES, st.lists(NODES, max_size=3)), st.sets(NODES))
def test_a_cycle_is_found_for_exactly_those_that_lie_on_one(
    graph: dict[str, list[str]], members: set[str]
) -> None:
    found = cycles(graph, members)
    assert found.keys() == {node for node in members & graph.keys() if node in reached(graph, node)}
    for node, text in found.items():
        way = text.split(" -> ")
        assert way[0] == way[-1] == node
        assert len(set(way)) == len(way) - 1  # no node twice
        assert all(target in graph[source] for source, target in pairwise(way))
