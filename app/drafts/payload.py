"""What a client may propose: the payload of a draft, in both forms."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from app.drafts.ids import ItemId, Label
from app.drafts.items import Fields, Key, entity_fields, module_fields, profile_fields, references
from app.ontology.kinds import Kind

# What a reviewer can still judge, and what keeps the report in bounds: each reference may become a
# finding of a few hundred bytes.
MAX_PARTS = 10_000

_NotBlank = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    Field(json_schema_extra={"pattern": r"\S"}),
]


# Members of an object that are judged one by one. A body has room for 100,000 that nobody knows.
_MEMBERS = 100


class Strict(BaseModel):
    """A model that refuses what it does not know."""

    # Hidden input: the text of an error ends in the log, and a payload must not.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _is_no_heap(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > _MEMBERS:
            known = ", ".join(cls.model_fields)
            raise ValueError(f"the object has {len(data)} members, and may have {known}")
        return data


class Element(Strict):
    """What stands in a list under an id of its own."""

    id_field: ClassVar[str]

    @property
    def item_id(self) -> str:
        """The element's id."""
        item_id: str = getattr(self, self.id_field)
        return item_id


E = TypeVar("E", bound=Element)


def once(elements: list[E]) -> list[E]:
    """Return the elements; raises ValueError where two have the same id."""
    _once([element.item_id for element in elements])
    return elements


def _once(ids: list[str]) -> list[str]:
    seen: set[str] = set()
    for position, one in enumerate(ids):
        if one in seen:
            raise ValueError(f"the id at position {position} stands in this list before")
        seen.add(one)
    return ids


# A list ends at its first fault: half a million would take seconds, in which Python's interpreter
# does nothing else, and an answer of 90 MB.
Elements = Annotated[list[E], Field(fail_fast=True), AfterValidator(once)]
Texts = Annotated[list[str], Field(fail_fast=True)]


class ItemDraft(Element):
    """A new or changed item, whole: what it leaves out is gone."""

    kind: ClassVar[Kind]

    label: Label
    description: str | None = None

    def fields(self) -> Fields:
        """Return the item's fields as they are compared."""
        raise NotImplementedError


class EntityDraft(ItemDraft):
    """A new or changed entity; `schema_definition` may use any spelling that a source may use.

    Id, label and description win over what `schema_definition` says of them.
    """

    id_field = "entity_id"

    entity_id: ItemId
    schema_definition: dict[str, Any]

    @model_validator(mode="after")
    def _has_the_right_shape(self) -> Self:
        self.fields()
        return self

    def fields(self) -> Fields:
        """Return the item's fields as they are compared."""
        return entity_fields(
            self.kind, self.entity_id, self.label, self.description, self.schema_definition
        )


class CategoryDraft(EntityDraft):
    """A new or changed category."""

    kind = Kind.CATEGORY


class PropertyDraft(EntityDraft):
    """A new or changed property."""

    kind = Kind.PROPERTY


class SubobjectDraft(EntityDraft):
    """A new or changed subobject."""

    kind = Kind.SUBOBJECT


class ModuleDraft(ItemDraft):
    """A new or changed module."""

    kind = Kind.MODULE
    id_field = "module_id"

    module_id: ItemId
    category_ids: Texts = []
    dependencies: Texts = []

    def fields(self) -> Fields:
        """Return the item's fields as they are compared."""
        return module_fields(
            self.module_id, self.label, self.description, self.category_ids, self.dependencies
        )


class ProfileDraft(ItemDraft):
    """A new or changed profile."""

    kind = Kind.PROFILE
    id_field = "profile_id"

    profile_id: ItemId
    module_ids: Texts = []

    def fields(self) -> Fields:
        """Return the item's fields as they are compared."""
        return profile_fields(self.profile_id, self.label, self.description, self.module_ids)


class Entities(Strict):
    """New and changed entities; each id once in its list."""

    categories: Elements[CategoryDraft] = []
    properties: Elements[PropertyDraft] = []
    subobjects: Elements[SubobjectDraft] = []


_Ids = Annotated[
    list[ItemId],
    Field(fail_fast=True, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_once),
]


class Deletions(Strict):
    """The ids of what the draft removes."""

    categories: _Ids = []
    properties: _Ids = []
    subobjects: _Ids = []
    modules: _Ids = []
    profiles: _Ids = []


class DraftPayload(Strict):
    """A proposal. What it does not list stays as it is; only `deletions` removes."""

    wiki_url: _NotBlank
    base_version: _NotBlank
    entities: Entities
    modules: Elements[ModuleDraft] = []
    profiles: Elements[ProfileDraft] = []
    deletions: Deletions | None = None

    def items(self) -> dict[Key, Fields]:
        """Return all that is new or changed, in the payload's order."""
        entities = self.entities
        lists: tuple[Sequence[ItemDraft], ...] = (
            *(entities.categories, entities.properties, entities.subobjects),
            *(self.modules, self.profiles),
        )
        return {(item.kind, item.item_id): item.fields() for items in lists for item in items}

    def deleted(self) -> list[Key]:
        """Return what is removed, in the payload's order."""
        deletions = self.deletions or Deletions()
        return [(kind, one) for kind in Kind for one in getattr(deletions, kind.plural)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        items, deleted = self.items(), self.deleted()
        for kind, one in deleted:
            if (kind, one) in items:
                raise ValueError(
                    f"deletions.{kind.plural} holds the id of an item that the draft also sets:"
                    " take it out of one of the two"
                )
        parts = len(deleted)
        for (kind, _), fields in items.items():
            parts += 1 + sum(1 for _ in references(kind, fields))
        if parts > MAX_PARTS:
            raise ValueError(
                f"the draft has {parts} items, deletions and references, and may have {MAX_PARTS}:"
                " split it"
            )
        return self


# A payload with none of these is another program's, and kept as it is.
_OUR_KEYS = sorted(DraftPayload.model_fields)


def is_proposal(payload: Mapping[str, Any]) -> bool:
    """Return whether the payload must be a DraftPayload."""
    return any(key in payload for key in _OUR_KEYS)


def _form(payload: Any) -> str:
    if isinstance(payload, dict):
        return "proposal" if is_proposal(payload) else "opaque"
    return "proposal" if isinstance(payload, DraftPayload) else "opaque"


_Opaque = Annotated[
    dict[str, Any], Field(json_schema_extra={"propertyNames": {"not": {"enum": _OUR_KEYS}}})
]


class DraftRequest(Strict):
    """The body of POST /drafts.

    A payload with any of the keys of DraftPayload must be one; its `wiki_url` and `base_version`
    then stand for `source_wiki` and `base_commit_sha`. Any other object is kept as it is.
    """

    payload: Annotated[
        Annotated[DraftPayload, Tag("proposal")] | Annotated[_Opaque, Tag("opaque")],
        Discriminator(_form),
    ] = Field(default_factory=dict)
    source_wiki: str | None = None
    base_commit_sha: str | None = None
