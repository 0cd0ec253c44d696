"""Words: a value in, a value out."""

from collections import Counter

from msgspec import Struct

from tidemill_processor.registry import processor


class CountWords(Struct, frozen=True, forbid_unknown_fields=True):
    """Words with fewer letters than `at_least` do not count."""

    at_least: int = 1


@processor(pure=True)
def count_words(text: str, params: CountWords) -> dict[str, int]:
    """Count each word of a text, the most frequent first."""
    words = (word.strip(".,;:!?").lower() for word in text.split())
    return dict(Counter(word for word in words if len(word) >= params.at_least).most_common())
