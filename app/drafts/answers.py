"""What POST /drafts answers."""

from datetime import datetime

from pydantic import BaseModel

from app.drafts.diff import Diff
from app.drafts.remarks import Remark
from app.drafts.report import Report


class DraftCreated(BaseModel):
    """The key to a new draft: the token stands in the URL's fragment, and nowhere else."""

    capability_url: str
    expires_at: datetime
    message: str = "Save this URL: it is the only way to this draft and cannot be recovered."


class ProposalCreated(DraftCreated):
    """The key to a new draft, what it would change, and whether it would hold."""

    diff_preview: Diff
    validation_results: Report
    validation_warnings: list[Remark]
