"""What the reading routes answer, beyond single rows. For OpenAPI: the database writes the JSON."""

from pydantic import BaseModel, Field

from app.models import EntityPublic, EntityType


class TypeCount(BaseModel):
    """How many entities of one type there are; at least one."""

    entity_type: EntityType
    count: int


class Overview(BaseModel):
    """How many entities there are; types without any are left out."""

    types: list[TypeCount]
    total: int


class EntityPage(BaseModel):
    """Some entities; `next_cursor` asks for those that follow, null at the end."""

    items: list[EntityPublic]
    next_cursor: str | None
    has_next: bool


class Edge(BaseModel):
    """`source` and `target` are ids of nodes; the target's node is missing where nothing has it."""

    source: str
    target: str


class CategoryNode(BaseModel):
    """A category; `id` equals `entity_id`, and `is_current` marks the one asked about."""

    id: str
    label: str
    entity_id: str
    is_current: bool


class Inheritance(BaseModel):
    """A category, all its ancestors and its direct children; edges run from child to parent."""

    nodes: list[CategoryNode]
    edges: list[Edge]
    has_circular: bool


class ModuleEntities(BaseModel):
    """A module's categories, and the properties and subobjects that these list; each by label."""

    categories: list[EntityPublic]
    properties: list[EntityPublic]
    subobjects: list[EntityPublic]


class ModuleNode(BaseModel):
    """A module; `id` equals `module_id`, and `is_current` marks the one asked about."""

    id: str
    label: str
    module_id: str
    is_current: bool
    depth: int = Field(description="The fewest steps to it: 0 the one asked about, 1 its own needs")


class ModuleDependencies(BaseModel):
    """A module and all that it needs, near ones first; edges run to the module that is needed."""

    nodes: list[ModuleNode]
    edges: list[Edge]
    missing: list[str] = Field(description="The ids that are needed and that no module has")
    cycles: list[list[str]] = Field(description="Groups of modules that all need one another")
    has_circular: bool
