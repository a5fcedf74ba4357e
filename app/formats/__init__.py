"""The file formats of ontologies: read, and written back without touching the rest of a file.

`read` turns a file's path and text into a SourceFile with its Item; `write` turns an Item into a
file's text again. Nothing here knows the database, and nothing but FormatError is ever raised.
"""

from app.formats.files import decode, is_item_path, parts_of, path_of, read, write
from app.formats.items import Format, FormatError, Item, SourceFile

__all__ = [
    "Format",
    "FormatError",
    "Item",
    "SourceFile",
    "decode",
    "is_item_path",
    "parts_of",
    "path_of",
    "read",
    "write",
]
