"""Which ids and labels a draft may give: they become names of files and of wiki pages."""

import re
from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from app.formats.items import MAX_LABEL_BYTES

# MediaWiki allows none of # < > [ ] | { } in a page's name, and wikitext separates ids by commas.
# Slashes of either kind would lead into another folder. A space stands in a page's name where an
# id has an underscore, so an id with a space would be read back as another one.
_PUNCTUATION = r"/\\#<>\[\]|{},"

# Controls, spaces, line ends and what is not seen, by their numbers: \s is another set in each
# language, and \p{...} is unknown to many.
_UNSEEN = (
    r"\u0000-\u0020\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff"
)

# The OpenAPI document shows it too: what is written here must mean the same in ECMAScript.
_PATTERN = rf"^[^._{_PUNCTUATION}{_UNSEEN}][^{_PUNCTUATION}{_UNSEEN}]*$"
_ALLOWED = re.compile(_PATTERN)

# A file's name has at most 255 bytes; the rest is for its extension.
_MAX_ID_BYTES = 200


def checked_id(text: str) -> str:
    """Return the id; raises ValueError where no file or page can have that name.

    What begins with a dot or an underscore, such as `_schema.json`, is no item of a source.
    """
    if text[:1] in (".", "_"):
        raise ValueError("an id must not begin with a dot or an underscore")
    # Beyond the 16 bits of an ECMAScript character, a pattern cannot name what is not seen.
    if not _ALLOWED.fullmatch(text) or any(category(one) == "Cf" for one in text):
        raise ValueError(
            "an id must not be empty, and hold no space, no control character, nothing else that"
            " is not seen, and none of / \\ # < > [ ] | { } ,"
        )
    if len(text.encode()) > _MAX_ID_BYTES:
        raise ValueError(f"an id must have at most {_MAX_ID_BYTES} bytes")
    return text


def _checked_label(text: str) -> str:
    if len(text.encode()) > MAX_LABEL_BYTES:
        raise ValueError(f"a label must have at most {MAX_LABEL_BYTES} bytes")
    return text


# The length is in bytes, which a schema cannot say: no id has more characters than bytes.
ItemId = Annotated[
    str,
    AfterValidator(checked_id),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": _MAX_ID_BYTES, "pattern": _PATTERN}
    ),
]
Label = Annotated[str, StringConstraints(min_length=1), AfterValidator(_checked_label)]
