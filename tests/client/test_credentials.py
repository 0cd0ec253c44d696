"""Sign-ins that are kept on disk."""

from pathlib import Path

from tidemill_client.credentials import Credentials, StoredKeyring
from tidemill_client.keyring import Grant

URL = "http://127.0.0.1:8080"
OLD = Grant(access_token="old", refresh_token="r1", expires_at=1.0)
NEW = Grant(access_token="new", refresh_token="r2", expires_at=2.0)


def test_credentials_are_for_their_owner_alone(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "tidemill")

    credentials.sign_in(URL, "a@b.example", OLD)

    assert credentials.path.stat().st_mode & 0o777 == 0o600
    assert credentials.path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in credentials.path.parent.iterdir()] == ["credentials.json"]


def test_each_address_has_a_sign_in_and_the_last_is_current(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)

    credentials.sign_in(URL, "a@b.example", OLD)
    credentials.sign_in("https://tide.example", "c@d.example", NEW)

    kept = credentials.read()
    assert kept.current == "https://tide.example"
    assert kept.by_url[URL].grant == OLD


def test_signing_out_forgets_one_address(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.sign_in(URL, "a@b.example", OLD)

    credentials.sign_out(URL)

    assert credentials.read().by_url == {}
    assert credentials.read().current is None


def test_a_file_that_cannot_be_read_is_no_sign_in(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.path.write_text("{")

    kept = credentials.read()

    assert kept.by_url == {}


async def test_what_another_process_renewed_is_seen_in_the_turn(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.sign_in(URL, "a@b.example", OLD)
    mine, theirs = StoredKeyring(credentials, URL), StoredKeyring(credentials, URL)

    async with theirs.turn():
        theirs.keep(NEW)

    assert mine.grant == OLD
    async with mine.turn():
        assert mine.grant == NEW
