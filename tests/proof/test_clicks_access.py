"""Every button that has to do with who may come in is pressed, and what it promises comes true."""

import re
from datetime import UTC, datetime

from playwright.async_api import Page, expect

from tests.browser.conftest import browser
from tests.browser.person import guest, nothing_to_complain_of, visitor
from tests.browser.visitor import Visitor
from tests.e2e.people import PASSWORD
from tests.identity.test_administration import run as administer
from tidemill_stack.stack import Stack

__all__ = ["browser", "guest", "nothing_to_complain_of", "visitor"]

NEW_PASSWORD = "another long enough sentence"


async def test_the_setup_link_makes_the_first_administrator(stack: Stack, guest: Page) -> None:
    _, made, _ = await administer(stack, "setup-link")
    await guest.goto(made["url"])

    await guest.get_by_label("E-mail").fill("root@example.org")
    await guest.get_by_label("Password").first.fill(PASSWORD)
    await guest.get_by_role("button", name="Make the administrator").click()

    await expect(guest.get_by_test_id("live-state")).to_have_text("Live")
    await guest.goto(f"{stack.url}/members")
    await expect(guest.get_by_text("system", exact=True)).to_be_visible()


async def test_a_link_that_was_used_says_so(stack: Stack, guest: Page) -> None:
    await guest.goto(f"{stack.url}/setup#tm_setup_guess")
    await guest.get_by_label("E-mail").fill("other@example.org")
    await guest.get_by_label("Password").first.fill(PASSWORD)

    await guest.get_by_role("button", name="Make the administrator").click()

    await expect(guest.get_by_role("alert")).to_contain_text("unknown, was used or has expired")


async def test_a_member_comes_gets_a_new_password_another_role_and_goes(
    visitor: Visitor, guest: Page
) -> None:
    page, email = visitor.page, f"{datetime.now(UTC).timestamp()}@example.org"
    await visitor.go("/members")
    await visitor.press("Invite")
    await page.get_by_label("E-mail").fill(email)
    await visitor.press("Make the link")
    await guest.goto(await visitor.secret())
    await guest.get_by_label("Password").first.fill(PASSWORD)
    await guest.get_by_role("button", name="Join").click()
    await expect(guest.get_by_test_id("live-state")).to_have_text("Live")

    await expect(page.get_by_role("button", name=f"Remove {email}")).to_be_visible()
    await visitor.press(f"New password for {email}", "Make the link")
    await guest.goto(await visitor.secret())
    await guest.get_by_label("Password").first.fill(NEW_PASSWORD)
    await guest.get_by_role("button", name="Keep it").click()
    await guest.get_by_label("E-mail").fill(email)
    await guest.get_by_label("Password").first.fill(NEW_PASSWORD)
    await guest.get_by_role("button", name="Sign in").click()
    await expect(guest.get_by_test_id("live-state")).to_have_text("Live")

    role = page.locator("input[aria-haspopup]").and_(page.get_by_label(f"Role of {email}"))
    await role.click()
    await page.get_by_role("option", name="viewer").click()
    await expect(page.get_by_text(f"{email} is viewer now.")).to_be_visible()
    await visitor.press(f"Remove {email}", "Remove the member")
    await expect(page.get_by_role("button", name=f"Remove {email}")).to_be_hidden()


async def test_an_invitation_is_withdrawn(visitor: Visitor, guest: Page) -> None:
    page = visitor.page
    await visitor.go("/members")
    await visitor.press("Invite")
    await page.get_by_label("E-mail").fill("late@example.org")
    await visitor.press("Make the link")
    link = await visitor.secret()

    await visitor.press("Withdraw the invitation of late@example.org", "Withdraw the invitation")
    await expect(page.get_by_text("None is open")).to_be_visible()
    await guest.goto(link)
    await guest.get_by_label("Password").first.fill(PASSWORD)
    await guest.get_by_role("button", name="Join").click()

    await expect(guest.get_by_role("alert")).to_be_visible()


async def test_the_password_is_changed_and_other_sessions_end(
    visitor: Visitor, guest: Page, stack: Stack
) -> None:
    page, email = visitor.page, visitor.email

    async def enter(password: str) -> None:
        await guest.goto(f"{stack.url}/sign-in")
        await guest.get_by_label("E-mail").fill(email)
        await guest.get_by_label("Password").first.fill(password)
        await guest.get_by_role("button", name="Sign in").click()
        await expect(guest.get_by_test_id("live-state")).to_have_text("Live")

    await enter(PASSWORD)
    await visitor.go("/sessions")
    row = page.locator("[data-item]").filter(has_not_text="this one")
    await row.get_by_role("button", name="Sign out").click()
    await visitor.press("End the session")
    await expect(guest).to_have_url(re.compile("/sign-in"))
    await expect(row).to_have_count(0)

    await visitor.press("Change the password")
    await page.get_by_role("textbox", name="Password until now").fill("not it at all")
    await page.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
    await visitor.press("Change it")
    await expect(page.get_by_role("dialog")).to_contain_text("is wrong")
    await page.get_by_role("textbox", name="Password until now").fill(PASSWORD)
    await visitor.press("Change it")
    await expect(page.get_by_text("The password is changed")).to_be_visible()
    await enter(NEW_PASSWORD)
    await visitor.press("Sign out elsewhere", "End the other sessions")

    await expect(guest).to_have_url(re.compile("/sign-in"))
