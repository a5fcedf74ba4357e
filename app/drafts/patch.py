"""Changes to a draft, merged into its payload by id."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from app.drafts.ids import ItemId
from app.drafts.payload import (
    CategoryDraft,
    DraftPayload,
    Element,
    Elements,
    ItemDraft,
    ModuleDraft,
    ProfileDraft,
    PropertyDraft,
    Strict,
    SubobjectDraft,
    Texts,
    is_proposal,
)

M = TypeVar("M", bound=BaseModel)


class EntityPatch(Element):
    """What is null or left out stays; an id that the draft does not hold is a new entity."""

    id_field = "entity_id"

    entity_id: ItemId
    label: str | None = None
    description: str | None = None
    schema_definition: dict[str, Any] | None = None


class ModulePatch(Element):
    """What is null or left out stays; an id that the draft does not hold is a new module."""

    id_field = "module_id"

    module_id: ItemId
    label: str | None = None
    description: str | None = None
    category_ids: Texts | None = None
    dependencies: Texts | None = None


class ProfilePatch(Element):
    """What is null or left out stays; an id that the draft does not hold is a new profile."""

    id_field = "profile_id"

    profile_id: ItemId
    label: str | None = None
    description: str | None = None
    module_ids: Texts | None = None


class EntitiesPatch(Strict):
    """Changes to the draft's entities; each id once in its list."""

    categories: Elements[EntityPatch] = Field(default_factory=list)
    properties: Elements[EntityPatch] = Field(default_factory=list)
    subobjects: Elements[EntityPatch] = Field(default_factory=list)


class DraftPatch(Strict):
    """The body of PATCH /drafts/{token}; each id once in its list."""

    entities: EntitiesPatch | None = None
    modules: Elements[ModulePatch] | None = None
    profiles: Elements[ProfilePatch] | None = None


def merged(payload: Mapping[str, Any], patch: DraftPatch) -> DraftPayload:
    """Return the payload with the patch merged in; the given payload stays as it is.

    Raises RequestValidationError where a new element lacks what it needs, where the whole breaks a
    rule, or where the draft is of the other form and has no elements.
    """
    if not is_proposal(payload):
        reason = "this draft holds no entities, modules or profiles: make a new one"
        raise RequestValidationError([{"type": "value_error", "loc": ("body",), "msg": reason}])
    entities = patch.entities or EntitiesPatch()
    stored = payload["entities"]
    whole = {
        **payload,
        "entities": {
            name: _merge(stored[name], getattr(entities, name), model, ("entities", name))
            for name, model in _ENTITIES.items()
        },
        "modules": _merge(payload["modules"], patch.modules or [], ModuleDraft, ("modules",)),
        "profiles": _merge(payload["profiles"], patch.profiles or [], ProfileDraft, ("profiles",)),
    }
    return _validated(DraftPayload, whole, ())


_ENTITIES: dict[str, type[ItemDraft]] = {
    "categories": CategoryDraft,
    "properties": PropertyDraft,
    "subobjects": SubobjectDraft,
}


def _merge(
    stored: Sequence[Mapping[str, Any]],
    patches: Sequence[Element],
    model: type[ItemDraft],
    place: tuple[str, ...],
) -> list[Mapping[str, Any]]:
    elements = {element[model.id_field]: element for element in stored}
    for position, patch in enumerate(patches):
        given = patch.model_dump(exclude_none=True)
        element = {**elements.get(patch.item_id, {}), **given}
        # Here, and not only with the whole: the error names the place in the patch.
        _validated(model, element, (*place, position))
        elements[patch.item_id] = element
    return list(elements.values())


def _validated(model: type[M], value: Mapping[str, Any], place: tuple[str | int, ...]) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
    raise RequestValidationError(
        [{**fault, "loc": ("body", *place, *fault["loc"])} for fault in faults]
    )
