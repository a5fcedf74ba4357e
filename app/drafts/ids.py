"""Which ids and labels a draft may give: they become names of files and of wiki pages."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from app.formats.items import MAX_LABEL_BYTES

# MediaWiki allows none of # < > [ ] | { } in a page's name, and wikitext separates ids by commas.
# Slashes of either kind would lead into another folder. A space stands in a page's name where an
# id has an underscore, so an id with a space would be read back as another one.
_FORBIDDEN = frozenset(" /\\#<>[]|{},")

# A file's name has at most 255 bytes; the rest is for its extension.
_MAX_ID_BYTES = 200


def checked_id(text: str) -> str:
    """Return the id; raises ValueError where no file or page can have that name.

    What begins with a dot or an underscore, such as `_schema.json`, is no item of a source.
    """
    if not text or not text.isprintable() or _FORBIDDEN & set(text):
        raise ValueError(
            "an id must not be empty, and hold no space, no control character and none of"
            " / \\ # < > [ ] | { } ,"
        )
    if text[0] in "._":
        raise ValueError("an id must not begin with a dot or an underscore")
    if len(text.encode()) > _MAX_ID_BYTES:
        raise ValueError(f"an id must have at most {_MAX_ID_BYTES} bytes")
    return text


def _checked_label(text: str) -> str:
    if len(text.encode()) > MAX_LABEL_BYTES:
        raise ValueError(f"a label must have at most {MAX_LABEL_BYTES} bytes")
    return text


ItemId = Annotated[str, AfterValidator(checked_id)]
Label = Annotated[str, StringConstraints(min_length=1), AfterValidator(_checked_label)]
