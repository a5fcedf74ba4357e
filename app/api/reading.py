"""What the reading routes share: what they take, and how they answer what is not there."""

from typing import Annotated

from fastapi import HTTPException, Path, Query

# PostgreSQL's text holds no NUL. Elsewhere than in a text that is searched for, where it is one
# line of a label or description, control characters do no harm.
_NO_NUL = r"^[^\x00]*$"
_ONE_LINE = r"^[^\x00-\x1f]*$"

Term = Annotated[
    str,
    Query(
        min_length=2,
        max_length=100,
        pattern=_ONE_LINE,
        description="Text to be found, in any case; `%` and `_` are plain characters",
    ),
]
Cursor = Annotated[
    str,
    Query(pattern=_NO_NUL, description="The `next_cursor` of the page before; first page: none"),
]
Limit = Annotated[int, Query(ge=1, le=100, description="The most items to answer")]
EntityId = Annotated[str, Path(description="An id such as Person")]
ModuleId = Annotated[str, Path(description="An id such as Core")]
ProfileId = Annotated[str, Path(description="An id such as Default")]


def found(text: str | None, detail: str) -> str:
    """Return the text; raise the 404 that says `detail` where there is none."""
    if text is None:
        raise HTTPException(404, detail)
    return text
