"""The house rules hold in every file, and each sees what breaks it."""

from pathlib import Path

import pytest

from tests.rules.house import RULES, Rule, Source

ROOT = Path(__file__).parents[2]
FOLDERS = ("contracts", "libs", "services", "deploy", "tests")
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.sentence)


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    ours = [path.relative_to(ROOT) for path in paths if ".venv" not in path.parts]
    return [Source(str(path), (ROOT / path).read_text()) for path in ours]


@every_rule
def test_the_rule_holds(rule: Rule, sources: list[Source]) -> None:
    found = [
        f"{source.path}:{line}: {what}" for source in sources for line, what in rule.find(source)
    ]

    assert found == []


@every_rule
def test_a_breach_is_seen(rule: Rule) -> None:
    assert list(rule.find(rule.broken))
