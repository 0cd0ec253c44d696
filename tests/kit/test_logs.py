"""What never gets into a log."""

import pytest

from tidemill_kit.logs import redact


@pytest.mark.parametrize("key", ["password", "refresh_token", "Authorization", "s3_secret_key"])
def test_values_of_secret_names_are_hidden(key: str) -> None:
    record = redact(None, "info", {"event": "x", key: "hunter2"})

    assert "hunter2" not in str(record)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /x with eyJhbGciOi.eyJzdWIi.c2lnbmF0", "c2lnbmF0"),
        ("key tm_live_abcdefgh_0123456789", "0123456789"),
        ("http://s3/x?X-Amz-Signature=deadbeef&y=1", "deadbeef"),
        ("postgresql://tidemill_jobs:s3cr3t@127.0.0.1/tidemill", "s3cr3t"),
    ],
)
def test_secrets_inside_texts_are_hidden(text: str, secret: str) -> None:
    record = redact(None, "info", {"event": "x", "detail": text})

    assert secret not in str(record)
