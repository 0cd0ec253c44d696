"""The recipe of the images is sound and takes nothing along that does not belong there."""

from tests.deploy.conftest import PROGRAMS, ROOT, execute

DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def last_stage() -> list[str]:
    """The instructions of the image that runs, lines joined."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    return text.rpartition("\nFROM ")[2].splitlines()


def test_hadolint_has_nothing_to_say() -> None:
    done = execute(PROGRAMS / "hadolint", "--failure-threshold", "style", DOCKERFILE)

    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_sees_an_image_without_a_version() -> None:
    done = execute("/bin/sh", "-c", f"echo 'FROM python:latest' | {PROGRAMS / 'hadolint'} -")

    assert "DL3007" in done.stdout


def test_the_image_runs_as_nobody_in_particular() -> None:
    users = [line for line in last_stage() if line.startswith("USER")]

    assert users == ["USER 10001:10001"]


def test_the_image_needs_no_shell_to_run() -> None:
    started = [line for line in last_stage() if line.lstrip().startswith(("CMD", "ENTRYPOINT"))]
    checks = [line for line in last_stage() if line.startswith("HEALTHCHECK")]

    assert started == []
    assert [line for line in checks if 'CMD ["python"' in line] == checks
    assert len(checks) == 1


def test_only_what_is_named_gets_into_an_image() -> None:
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]

    assert rules[0] == "*"
    assert {line for line in rules if line.startswith("!")} == {
        "!contracts",
        "!libs",
        "!services",
        "!pyproject.toml",
        "!uv.lock",
        "!deploy/migrate.py",
    }
