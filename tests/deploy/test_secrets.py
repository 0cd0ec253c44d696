"""The secrets that compose mounts: made once, kept, and out of other users' reach."""

import subprocess
from pathlib import Path

from tests.deploy.conftest import ROOT, make_secrets


def bodies(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_other_users_of_the_machine_are_kept_out(project: Path) -> None:
    folder = project / "deploy" / "secrets"

    assert mode(folder) == 0o700


def test_a_container_can_read_its_files_and_write_none(project: Path) -> None:
    folder = project / "deploy" / "secrets"

    assert {mode(path) for path in folder.glob("*/")} == {0o755}
    assert {mode(path) for path in folder.glob("*/*")} == {0o444}
    assert {mode(path) for path in folder.glob("*.*")} == {0o600}


def test_making_them_again_keeps_them(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = bodies(tmp_path)

    make_secrets(tmp_path)

    assert bodies(tmp_path) == before


def test_two_systems_share_no_secret(project: Path, tmp_path: Path) -> None:
    make_secrets(tmp_path)

    mine = set(bodies(tmp_path).values())
    theirs = set(bodies(project / "deploy" / "secrets").values())

    assert not mine & theirs


def test_git_does_not_see_them() -> None:
    file = "deploy/secrets/secrets.json"

    done = subprocess.run(["git", "check-ignore", file], cwd=ROOT, check=False)  # noqa: S603, S607 - asks git alone

    assert done.returncode == 0
