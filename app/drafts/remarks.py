"""Flaws of a payload that are worth a word but no refusal."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel

from app.drafts.canonical import Canonical, Proposal
from app.ontology.kinds import Kind


class Remark(BaseModel):
    """A flaw of the payload itself; `field` is its place there."""

    field: str
    message: str
    severity: Literal["warning"] = "warning"


def remarks(wiki_url: str, proposal: Proposal, canonical: Canonical) -> Iterator[Remark]:
    """Yield what the author may have meant otherwise."""
    if not _has_a_host(wiki_url):
        yield Remark(field="wiki_url", message="wiki_url is no URL with a scheme and a host")
    if not proposal.touched():
        yield Remark(field="payload", message="the draft sets and deletes nothing")
    for kind, item_id in proposal.deleted:
        if (kind, item_id) not in canonical.touched:
            yield Remark(
                field=f"deletions.{kind.plural}",
                message=f"there is no {kind} {item_id} to delete",
            )
    for kind, item_id in proposal.items:
        twin = canonical.twins.get((kind, item_id))
        if twin is not None and (kind, item_id) not in canonical.touched:
            nested = kind not in (Kind.MODULE, Kind.PROFILE)
            yield Remark(
                field=f"entities.{kind.plural}" if nested else kind.plural,
                message=f"the new {kind} {item_id} differs from {twin} by case only:"
                " their files are the same one where a file system ignores case",
            )


def _has_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)
