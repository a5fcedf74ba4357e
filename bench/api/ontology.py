"""An invented ontology of any size, as rows for COPY.

A larger one has more domains, not larger ones: whatever its size, an entity has as many relatives
(at most `FAN_OUT` children or users), and an answer about one of them as many rows.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.ontology.kinds import Kind
from app.ontology.normal import normalised
from bench.api.vocabulary import Vocabulary

FAN_OUT = 50
# The mix of labki-ontology: 16 % categories, 79 % properties, 5 % subobjects.
DOMAIN = {Kind.CATEGORY: 16, Kind.PROPERTY: 79, Kind.SUBOBJECT: 5}
DOMAIN_SIZE = sum(DOMAIN.values())
_MODULES_PER_PROFILE = 10
_TOKENS_PER_ENTITY = 14

ENTITY_COLUMNS = ("entity_type", "entity_id", "label", "description", "schema_definition")
MODULE_COLUMNS = ("module_id", "label", "description", "category_ids", "dependencies")
PROFILE_COLUMNS = ("profile_id", "label", "description", "module_ids")

_DATATYPES = ("Text", "Text", "Text", "Page", "Page", "Date", "Number", "URL", "Boolean")

Row = tuple[str, ...]


@dataclass
class _Shared:
    """Something that several domains refer to, until `FAN_OUT` have."""

    id: str
    left: int = FAN_OUT


@dataclass
class Ontology:
    """About `size` entities; the same ones each time, and `modules` and `profiles` with them.

    The two lists are complete when `entities` has been read to its end.
    """

    size: int
    modules: list[Row] = field(default_factory=list)
    profiles: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vocabulary = vocabulary(self.size)
        self._random = random.Random(self.size)  # noqa: S311
        self._used: set[str] = set()
        self._shared_properties: list[_Shared] = []
        self._top: _Shared | None = None

    def entities(self) -> Iterator[Row]:
        """Yield the rows of the entities, domain by domain."""
        for number in range(self.size // DOMAIN_SIZE):
            yield from self._domain(number)

    def _domain(self, number: int) -> Iterator[Row]:
        ids = {kind: [self._id(kind) for _ in range(many)] for kind, many in DOMAIN.items()}
        categories, properties, subobjects = ids.values()
        # One of them becomes common property; 3 users in each of 16 categories use up about one.
        self._shared_properties.append(_Shared(properties[0]))
        for one in properties:
            yield self._row(Kind.PROPERTY, one, self._property())
        for one in subobjects:
            yield self._row(Kind.SUBOBJECT, one, self._parts("properties", properties, 5))
        for place, one in enumerate(categories):
            yield self._row(
                Kind.CATEGORY,
                one,
                {
                    "parents": self._parents(categories[:place], one),
                    **self._parts("properties", properties[1:], 6, self._common()),
                    **self._parts("subobjects", subobjects, 2),
                },
            )
        self._bundle(number, categories)

    def _id(self, kind: Kind) -> str:
        words = self._words(2)
        prefix = ("has",) if kind is Kind.PROPERTY else ()
        while (one := "_".join((*prefix, *words)).capitalize()) in self._used:
            words += self._words(1)
        self._used.add(one)
        return one

    def _words(self, many: int) -> list[str]:
        return self.vocabulary.draw(self._random, many)

    def _sentence(self) -> str:
        return " ".join(self._words(self._random.randint(6, 16))).capitalize()

    def _row(self, kind: Kind, one: str, definition: dict[str, Any]) -> Row:
        label = one.removeprefix("Has_").replace("_", " ")
        label = label[0].upper() + label[1:]
        description = self._sentence()
        whole = {"id": one, "label": label, "description": description, **definition}
        return (kind.value, one, label, description, json.dumps(normalised(kind, whole)))

    def _property(self) -> dict[str, Any]:
        datatype = self._random.choice(_DATATYPES)
        cardinality = "single" if self._random.random() < 0.8 else "multiple"
        found: dict[str, Any] = {"datatype": datatype, "cardinality": cardinality}
        if datatype == "Text" and self._random.random() < 0.3:
            found["allowed_values"] = self._words(5)
        return found

    def _parts(self, name: str, choice: list[str], most: int, more: Row = ()) -> dict[str, Any]:
        chosen = [*self._random.sample(choice, self._random.randint(most // 2, most)), *more]
        required = len(chosen) // 3
        return {f"required_{name}": chosen[:required], f"optional_{name}": chosen[required:]}

    def _common(self) -> Row:
        shared = self._shared_properties
        chosen = self._random.sample(shared, min(3, len(shared)))
        for one in chosen:
            one.left -= 1
        self._shared_properties = [one for one in shared if one.left]
        return tuple(one.id for one in chosen)

    def _parents(self, earlier: list[str], one: str) -> list[str]:
        if earlier:
            # One in ten has two: a lattice, as in real data, not a tree.
            many = 2 if len(earlier) > 1 and self._random.random() < 0.1 else 1
            return self._random.sample(earlier, many)
        if self._top is None or not self._top.left:
            # It may have every other category of its own domain as a child, too.
            self._top = _Shared(one, FAN_OUT - DOMAIN[Kind.CATEGORY])
            return []
        self._top.left -= 1
        return [self._top.id]

    def _bundle(self, number: int, categories: list[str]) -> None:
        known = self.modules[-20:]
        needs = [one[0] for one in self._random.sample(known, min(len(known), 3))]
        name = f"{categories[0]}_{number}"
        texts = name.replace("_", " "), self._sentence()
        self.modules.append((name, *texts, json.dumps(categories), json.dumps(needs)))
        if not len(self.modules) % _MODULES_PER_PROFILE:
            held = [one[0] for one in self.modules[-_MODULES_PER_PROFILE:]]
            self.profiles.append((f"{name}_set", *texts, json.dumps(held)))


def vocabulary(size: int) -> Vocabulary:
    """Return the words that an ontology of `size` entities is written in."""
    return Vocabulary(size * _TOKENS_PER_ENTITY)
