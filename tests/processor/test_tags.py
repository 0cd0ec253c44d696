"""Keywords of texts."""

import math
from collections import Counter

import narwhals as nw
import polars as pl
import pytest

from tidemill_processor.processors.tags import TagPosts, tag_posts
from tidemill_processor.run import DataError

POSTS = [
    "The cat sat on the mat. The cat!",
    "The dog and the log",
    None,
    "Cats and dogs: the end of 2024",
    "",
]


def tags(params: TagPosts, posts: list[str | None] | None = None) -> list[list[str] | None]:
    texts = posts or POSTS
    frame = nw.from_native(pl.LazyFrame({"post": texts, "row": range(len(texts))}))
    found = tag_posts(frame, params).collect()
    assert found.columns == ["post", "row", "tags"]
    return found["tags"].to_list()


def by_hand(words: list[list[str]], row: int) -> list[str]:
    counts = Counter(words[row])
    weight = {
        word: (1 + math.log(counts[word]))
        * (math.log((1 + len(words)) / (1 + sum(word in each for each in words))) + 1)
        for word in counts
    }
    return sorted(weight, key=lambda word: (-weight[word], word))


def test_keywords_are_those_of_the_formula() -> None:
    words = [
        ["the", "cat", "sat", "on", "the", "mat", "the", "cat"],
        ["the", "dog", "and", "the", "log"],
        ["cats", "and", "dogs", "the", "end", "of"],
        [],
    ]

    found = tags(TagPosts("post", top=100))

    assert found == [
        by_hand(words, 0), by_hand(words, 1), None, by_hand(words, 2), [],
    ]  # fmt: skip
    assert (found[0] or [])[0] == "cat"


def test_there_are_at_most_top_of_them() -> None:
    params = TagPosts("post", top=2)

    found = tags(params)

    assert [None if one is None else len(one) for one in found] == [2, 2, None, 2, 0]


def test_a_vocabulary_alone_gives_the_tags() -> None:
    params = TagPosts("post", vocabulary=["Dog", "New York", "C++", "cat", "York"])
    posts: list[str | None] = ["cat dog cat", "new york, NEW YORK; york dogs", "c++ (really)", None]

    found = tags(params, posts)

    assert found == [["cat", "Dog"], ["New York", "York"], ["C++"], None]


def test_a_column_of_numbers_cannot_be_tagged() -> None:
    params = TagPosts("row")

    with pytest.raises(DataError) as refused:
        tags(params)

    assert refused.value.code == "column_not_text"
