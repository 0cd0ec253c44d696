"""Names of datasets: whatever comes, something harmless to show and to save as is kept."""

import unicodedata

MAX_CHARACTERS = 255
UNNAMED = "dataset"
_SEPARATORS = str.maketrans("/\\", "--")


def clean(name: str) -> str:
    """The name in NFC without control, bidi and other invisible characters, at most 255 long.

    Path separators become dashes; nothing may be left, since `../` alone is no name.
    """
    shown = "".join(_kept(character) for character in name.translate(_SEPARATORS))
    words = " ".join(unicodedata.normalize("NFC", shown).split())
    return words.lstrip(".- ")[:MAX_CHARACTERS].rstrip()


def of_file(filename: str | None) -> str:
    """A name for an upload that has none but its file's; some browsers send the whole path."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    return clean(last) or UNNAMED


def _kept(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character).startswith("C") else character
