"""Signatures equal those of the examples in Amazon's documentation of S3."""

from datetime import UTC, datetime

from tidemill_kit.signing import SigningKey, encoded, signed_headers, signed_query

KEY = SigningKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"


def test_a_request_for_a_part_of_an_object_is_signed_as_in_the_example() -> None:
    headers = {"host": HOST, "range": "bytes=0-9"}

    signed = signed_headers(KEY, "GET", "/test.txt", headers=headers, now=NOW)

    assert signed["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    )


def test_a_request_with_a_query_is_signed_as_in_the_example() -> None:
    query = {"max-keys": "2", "prefix": "J"}

    signed = signed_headers(KEY, "GET", "/", headers={"host": HOST}, query=query, now=NOW)

    assert signed["authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    )


def test_a_link_is_signed_as_in_the_example() -> None:
    signed = signed_query(KEY, "GET", "/test.txt", host=HOST, query={}, expires_s=86_400, now=NOW)

    assert signed.endswith(
        "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    )


def test_a_query_is_encoded_byte_by_byte_and_sorted() -> None:
    query = {"b": "ä/ +~", "a": "=&"}

    text = encoded(query)

    assert text == "a=%3D%26&b=%C3%A4%2F%20%2B~"
