"""Cycles in a graph of ids, however deep and however many."""

from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice

from app.ontology.graph import cycles as groups

# How many ids a message shows of a cycle; longer ones are cut.
_SHOWN = 50

Graph = Mapping[str, Sequence[str]]
# Nodes by the order of their discovery, each with the one that it was discovered from.
Tree = dict[str, str | None]


def cycles(graph: Graph, members: Container[str]) -> dict[str, str]:
    """Return, for each of `members` that lies on a cycle, one through it, as "A -> B -> A".

    The graph is walked a fixed number of times, not once for each member: a draft can hold
    thousands of members on one great cycle. An id that is no key of `graph` has no edges.
    """
    edges = [(node, target) for node, targets in graph.items() for target in targets]
    found: dict[str, str] = {}
    backward: dict[str, list[str]] = {node: [] for node in graph}
    for node, target in edges:
        if target in graph:
            backward[target].append(node)
    for group in groups(edges):
        within = set(group)
        home, away = _tree(backward, group[0], within), _tree(graph, group[0], within)
        for member in group:
            if member in members:
                found[member] = _through(member, graph, home, away)
    return found


def _through(member: str, graph: Graph, home: Tree, away: Tree) -> str:
    """Return a cycle through `member`: its way to the group's root, and the way from there back."""
    if member in graph[member]:
        return f"{member} -> {member}"
    there, back = _way(member, home), _way(member, away)
    if home[member] is None:  # the root itself: there is no way yet
        onward = next(one for one in graph[member] if one in home)
        there = [member, *_way(onward, home)]
    if len(there) + len(back) > _SHOWN:
        return " -> ".join([*there[:_SHOWN], "...", member])
    walk: list[str] = []
    for node in [*there, *reversed(back[:-1])][:-1]:
        if node in walk:  # both ways pass here: what lies between is a cycle of its own
            del walk[walk.index(node) :]
        walk.append(node)
    return " -> ".join([*walk, member])


def _way(node: str, tree: Tree) -> list[str]:
    """Return the way from a node to the tree's root, at most so much of it as is shown."""

    def steps() -> Iterator[str]:
        step: str | None = node
        while step is not None:
            yield step
            step = tree[step]

    return list(islice(steps(), _SHOWN + 1))


def _tree(graph: Graph, root: str, within: Container[str]) -> Tree:
    """Return the shortest ways from `root` to all that it reaches, by nodes of `within` alone."""
    tree: Tree = {root: None}
    waiting = deque([root])
    while waiting:
        node = waiting.popleft()
        for target in graph[node]:
            if target in within and target not in tree:
                tree[target] = node
                waiting.append(target)
    return tree
