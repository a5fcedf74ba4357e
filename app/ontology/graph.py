"""Directed graphs of ids: which nodes go round in circles."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

Edge = tuple[str, str]


def cycles(edges: Iterable[Edge]) -> list[list[str]]:
    """Return the groups of nodes that reach one another, each sorted, by their first node.

    Every cycle lies within one group; a node with an edge to itself is a group of its own. Takes
    time in proportion to the edges (Kosaraju's algorithm), whatever the graph's depth.
    """
    ahead: dict[str, list[str]] = defaultdict(list)
    back: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        ahead[source].append(target)
        back[target].append(source)
    finished = list(_finishing(ahead, list(ahead), set()))
    seen: set[str] = set()
    groups = [list(_finishing(back, [node], seen)) for node in reversed(finished)]
    return sorted(
        sorted(group) for group in groups if len(group) > 1 or _goes_to_itself(ahead, group)
    )


def _goes_to_itself(ahead: dict[str, list[str]], group: list[str]) -> bool:
    return any(node in ahead[node] for node in group)


def _finishing(graph: dict[str, list[str]], roots: list[str], seen: set[str]) -> Iterator[str]:
    """Yield what the roots reach and is not yet `seen`, each node after all that it leads to."""
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        # Not by recursion: a long chain of parents would exceed Python's limit.
        path = [(root, iter(graph[root]))]
        while path:
            node, targets = path[-1]
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    path.append((target, iter(graph[target])))
                    break
            else:
                path.pop()
                yield node
