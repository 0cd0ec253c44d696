"""Passwords are hashed as promised, two at a time."""

import asyncio
from collections.abc import Generator

import pytest

from tidemill_identity.passwords import Passwords, TooManyPasswords


@pytest.fixture
def passwords() -> Generator[Passwords]:
    made = Passwords(max_waiting=1)
    yield made
    made.close()


async def test_a_hash_names_argon2id_with_19_mib_and_two_passes(passwords: Passwords) -> None:
    made = await passwords.hash("a good pass phrase")

    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(made)


async def test_only_the_password_fits_its_hash(passwords: Passwords) -> None:
    made = await passwords.hash("a good pass phrase")

    assert await passwords.fits(made, "a good pass phrase")
    assert not await passwords.fits(made, "a good pass phrase ")


async def test_all_128_characters_count(passwords: Passwords) -> None:
    made = await passwords.hash("x" * 127 + "y")

    assert not await passwords.fits(made, "x" * 127 + "z")


async def test_two_spellings_of_one_letter_are_one_password(passwords: Passwords) -> None:
    made = await passwords.hash("cafe\u0301 cre\u0300me")

    assert await passwords.fits(made, "caf\u00e9 cr\u00e8me")


async def test_without_a_hash_no_password_fits(passwords: Passwords) -> None:
    assert not await passwords.fits(None, "a good pass phrase")


async def test_a_full_queue_refuses_the_next(passwords: Passwords) -> None:
    release = asyncio.Event()

    async def hold() -> None:
        async with passwords.turn():
            await release.wait()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(hold())
        await asyncio.sleep(0)

        with pytest.raises(TooManyPasswords):
            async with passwords.turn():
                pass
        release.set()
