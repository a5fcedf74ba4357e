"""Profiles: lists, one of them, its modules."""

from app.database import Reader
from app.queries.public import MODULE, PROFILE

_LIST = f"""
SELECT coalesce(json_agg(profile), '[]') FROM (
    SELECT {PROFILE} FROM profiles
    WHERE deleted_at IS NULL AND strpos(lower(label), lower($1)) > 0
    ORDER BY label COLLATE "C", profile_id COLLATE "C"
) AS profile
"""

_ONE = f"""
SELECT row_to_json(profile) FROM (
    SELECT {PROFILE} FROM profiles WHERE profile_id = $1 AND deleted_at IS NULL
) AS profile
"""

_MODULES = f"""
SELECT (
    SELECT coalesce(json_agg(module), '[]') FROM (
        SELECT {MODULE} FROM modules WHERE deleted_at IS NULL
        AND module_id = ANY (ARRAY(SELECT jsonb_array_elements_text(profile.module_ids)))
        ORDER BY label COLLATE "C", module_id COLLATE "C"
    ) AS module
) FROM profiles AS profile WHERE profile_id = $1 AND deleted_at IS NULL
"""


async def profiles(reader: Reader, search: str) -> str:
    """Return a JSON list of the profiles whose labels hold `search`, in any case; by label."""
    text: str = await reader.value(_LIST, search)
    return text


async def profile(reader: Reader, profile_id: str) -> str | None:
    """Return the JSON of a ProfilePublic; None if there is no such profile."""
    text: str | None = await reader.value(_ONE, profile_id)
    return text


async def modules(reader: Reader, profile_id: str) -> str | None:
    """Return a JSON list of the profile's modules, by label; None if there is no such profile."""
    text: str | None = await reader.value(_MODULES, profile_id)
    return text
