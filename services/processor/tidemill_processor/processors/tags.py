"""Keywords of texts."""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import narwhals as nw
from msgspec import Meta, Struct

from tidemill_processor.columns import require
from tidemill_processor.registry import processor
from tidemill_processor.run import DataError, LazyFrame

if TYPE_CHECKING:
    import polars as pl

TAGS = "tags"
# A letter first, two characters at least, an apostrophe inside: "covid19" and "don't", not "2024".
WORD = r"\p{L}[\p{L}\p{M}\p{N}]+(?:['\x{2019}]\p{L}+)?"
Term = Annotated[str, Meta(min_length=1, max_length=200)]


class TagPosts(Struct, frozen=True, forbid_unknown_fields=True):
    """With a `vocabulary` only its terms become tags; without one the texts' own keywords."""

    column: str
    vocabulary: Annotated[list[Term], Meta(min_length=1, max_length=10_000)] | None = None
    top: Annotated[int, Meta(ge=1, le=100)] = 5


@processor(engines=("polars",))
def tag_posts(frame: LazyFrame, params: TagPosts) -> LazyFrame:
    """Add a column `tags`: up to `top` keywords of each text, the strongest first.

    With a vocabulary: its terms (words or phrases, in any case) that stand in the text, by number
    of occurrences, then in the order given. Without: words of two letters or more, by TF-IDF,
    (1 + ln tf) * (ln((1 + N) / (1 + df)) + 1) with tf occurrences in the text, df texts with the
    word and N texts; sublinear tf as in Manning, Raghavan & Schütze (2008) 6.4.1, smoothed idf as
    in scikit-learn; equal weights in alphabetical order. A null text has null tags.
    """
    import polars as pl

    if not isinstance(require(frame, [params.column])[params.column], nw.String):
        raise DataError(f"{params.column!r} holds no text", code="column_not_text")
    native: pl.LazyFrame = frame.to_native()
    if params.vocabulary is None:
        tag, prepared = _by_weight(native, params), _words(params.column)
    else:
        tag, prepared = _by_vocabulary(params.vocabulary, params.top), pl.col(params.column)

    def tagged(batch: pl.DataFrame) -> pl.DataFrame:
        texts = batch.select(prepared).to_series()
        tags = [None if text is None else tag(text) for text in texts.to_list()]
        return batch.with_columns(pl.Series(TAGS, tags, pl.List(pl.String)))

    schema = native.collect_schema() | {TAGS: pl.List(pl.String)}
    return nw.from_native(native.map_batches(tagged, schema=pl.Schema(schema), streamable=True))


def _words(column: str) -> "pl.Expr":
    import polars as pl

    return pl.col(column).str.to_lowercase().str.extract_all(WORD)


def _by_weight(native: "pl.LazyFrame", params: TagPosts) -> Callable[[Any], list[str]]:
    import polars as pl

    words = native.select(_words(params.column).alias("word")).filter(pl.col("word").is_not_null())
    texts = words.select(pl.len()).collect(engine="streaming").item()
    counted = (
        words.select(pl.col("word").list.unique())
        .explode("word")
        .group_by("word")
        .len()
        .collect(engine="streaming")
    )
    rarity = {
        word: math.log((1 + texts) / (1 + count)) + 1
        for word, count in counted.iter_rows()
        if word is not None
    }

    def tag(found: list[str]) -> list[str]:
        weights = {
            word: (1 + math.log(count)) * rarity[word] for word, count in Counter(found).items()
        }
        return sorted(weights, key=lambda word: (-weights[word], word))[: params.top]

    return tag


def _by_vocabulary(vocabulary: list[str], top: int) -> Callable[[Any], list[str]]:
    spelled = {term.lower(): term for term in reversed(vocabulary)}
    place = {term.lower(): index for index, term in reversed(list(enumerate(vocabulary)))}
    longest_first = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)")

    def tag(text: str) -> list[str]:
        counts = Counter(pattern.findall(text.lower()))
        ranked = sorted(counts, key=lambda term: (-counts[term], place[term]))
        return [spelled[term] for term in ranked[:top]]

    return tag
