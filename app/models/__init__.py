"""The tables and what the API shows and takes of them.

Import from here: Alembic sees only tables whose modules have been imported.
"""

from app.models.draft import Draft, DraftBase, DraftCreate, DraftPublic, DraftStatus, DraftUpdate
from app.models.entity import (
    Entity,
    EntityBase,
    EntityCreate,
    EntityPublic,
    EntityType,
    EntityUpdate,
)
from app.models.job_run import Job, JobRun
from app.models.module import Module, ModuleBase, ModuleCreate, ModulePublic, ModuleUpdate
from app.models.profile import Profile, ProfileBase, ProfileCreate, ProfilePublic, ProfileUpdate
from app.models.rate_window import RateWindow
from app.models.snapshot import Snapshot, SnapshotFile

__all__ = [
    "Draft",
    "DraftBase",
    "DraftCreate",
    "DraftPublic",
    "DraftStatus",
    "DraftUpdate",
    "Entity",
    "EntityBase",
    "EntityCreate",
    "EntityPublic",
    "EntityType",
    "EntityUpdate",
    "Job",
    "JobRun",
    "Module",
    "ModuleBase",
    "ModuleCreate",
    "ModulePublic",
    "ModuleUpdate",
    "Profile",
    "ProfileBase",
    "ProfileCreate",
    "ProfilePublic",
    "ProfileUpdate",
    "RateWindow",
    "Snapshot",
    "SnapshotFile",
]
