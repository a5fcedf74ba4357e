"""What the API shows of versions."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class VersionPublic(BaseModel):
    """A version of the source: a tag of its repository, or an import that changed something."""

    tag_name: str = Field(description="What `old` and `new` of a diff take")
    name: str | None
    created_at: datetime
    published_at: datetime | None
    body: str | None


class Change(BaseModel):
    """A file that differs. `old` and `new` are what the whole file says; the absent side is null.

    `key` is the file's path without its extension. A bundle is of the type `profiles`: it is what
    later sources call one.
    """

    key: str = Field(examples=["categories/Person"])
    entity_type: str = Field(examples=["categories"])
    entity_id: str = Field(examples=["Person"])
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class Changes(BaseModel):
    """The files of one kind that differ, each list in the order of the keys."""

    added: list[Change]
    modified: list[Change]
    deleted: list[Change]


class VersionDiff(BaseModel):
    """What changes from one version to another."""

    old_version: str
    new_version: str
    categories: Changes
    properties: Changes
    subobjects: Changes
    modules: Changes
    profiles: Changes
