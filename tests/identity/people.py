"""Somebody with a tenant, and what they may ask of a running identity service."""

from typing import Any
from uuid import uuid4

from msgspec import Struct

PASSWORD = "a good pass phrase"


class Person(Struct):
    """A signed-in user."""

    identity: Any
    email: str
    user: dict[str, Any]
    token: str
    refresh_token: str

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return await self.identity.http.request(method, path, headers=headers, **options)

    async def sign_in(self, agent: str = "test") -> "Person":
        """The same user with a session of its own."""
        return await signed_in(self.identity, self.email, self.user, agent=agent)

    async def invites(self, role: str) -> "Person":
        """A new member of this tenant."""
        email = an_email()
        made = await self.ask("POST", "/v1/invitations", json={"email": email, "role": role})
        path = f"/v1/invitations/{made.json()['token']}/accept"
        joined = await self.identity.http.post(path, json={"password": PASSWORD})
        return await signed_in(self.identity, email, joined.json()["user"])

    async def audited(self, **query: Any) -> list[dict[str, Any]]:
        return (await self.ask("GET", "/v1/audit", params=query)).json()["items"]


def an_email() -> str:
    return f"ann-{uuid4().hex[:12]}@example.org"


async def registered(identity: Any) -> Person:
    """The admin of a tenant of its own."""
    email = an_email()
    body = {"email": email, "password": PASSWORD}
    made = await identity.http.post("/v1/auth/register", json=body)
    return await signed_in(identity, email, made.json()["user"])


async def signed_in(
    identity: Any,
    email: str,
    user: dict[str, Any],
    *,
    agent: str = "test",
    password: str = PASSWORD,
) -> Person:
    body = {"email": email, "password": password}
    answer = await identity.http.post("/v1/auth/token", json=body, headers={"User-Agent": agent})
    pair = answer.json()
    return Person(identity, email, user, pair["access_token"], pair["refresh_token"])


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
