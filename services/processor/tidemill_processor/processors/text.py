"""Work on a single string."""

import unicodedata

from tidemill_processor.registry import processor

JOINER = "\u200d"
SKIN_TONES = range(0x1F3FB, 0x1F3FF + 1)


@processor(pure=True)
def reverse_string(value: str) -> str:
    """Reverse the characters of a string.

    A character is a code point with the marks, skin tones and joined code points that follow it:
    accents stay on their letters and families together. Flags (pairs of regional indicators) and
    Hangul syllables written as jamo, which Unicode's UAX 29 would keep whole too, are not.
    """
    characters: list[str] = []
    for point in value:
        if characters and (_continues(point) or characters[-1].endswith(JOINER)):
            characters[-1] += point
        else:
            characters.append(point)
    return "".join(reversed(characters))


def _continues(point: str) -> bool:
    if point.isascii():
        return False
    return (
        unicodedata.category(point).startswith("M") or point == JOINER or ord(point) in SKIN_TONES
    )
