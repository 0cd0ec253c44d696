"""Accounts and sessions, decided without any server."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.ids import now
from tidemill_identity import lifecycle

PASSWORD = "a good pass phrase"


@given(st.text())
def test_an_address_is_the_same_in_any_case(email: str) -> None:
    key = lifecycle.email_key(email)

    again = lifecycle.email_key(key)

    assert again == key
    assert "\0" not in key


@given(st.emails())
def test_upper_case_makes_no_second_account(email: str) -> None:
    shouted = lifecycle.email_key(email.upper())

    assert shouted == lifecycle.email_key(email)


@pytest.mark.parametrize(
    "password",
    [
        "password1",
        "PASSWORD1",
        "12345678",
        "tidemill",
        "Tidemill2026!",
        "aaaaaaaaaaaa",
        "qwertyuiop",
    ],
)
def test_a_password_that_everybody_tries_is_refused(password: str) -> None:
    with pytest.raises(lifecycle.PasswordTooCommon):
        lifecycle.accept("ann@example.org", password)


def test_the_own_address_is_no_password() -> None:
    with pytest.raises(lifecycle.PasswordTooCommon):
        lifecycle.accept("ann@example.org", "Ann@Example.org")


def test_a_phrase_with_the_name_of_the_system_is_accepted() -> None:
    lifecycle.accept("ann@example.org", "tidemill runs on water")


@pytest.mark.parametrize("email", ["a\0@b.c", "a\u202e@b.c", "a\x7f@b.c"])
def test_an_address_with_control_characters_is_refused(email: str) -> None:
    with pytest.raises(lifecycle.EmailInvalid):
        lifecycle.accept(email, PASSWORD)


def test_a_session_is_open_until_it_is_revoked_or_too_old() -> None:
    moment = now()
    user = lifecycle.register("ann@example.org", moment).user

    session = lifecycle.open_session(user, lifecycle.Origin("127.0.0.1"), moment, 60)

    assert session.is_open(moment + timedelta(seconds=59))
    assert not session.is_open(moment + timedelta(seconds=60))
