"""PostgreSQL runs below a folder that only root may enter, with user namespaces and without."""

import os
import sys
from pathlib import Path
from subprocess import run

import pytest

from tidemill_stack.child import LAUNCH
from tidemill_stack.postgres import INITDB, binary
from tidemill_stack.stack import Stack

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")

# As root of a user namespace that allows no further ones: LAUNCH FOLDER COMMAND…
WITHOUT_NAMESPACES = """
import os, sys
launch, folder, *command = sys.argv[1:]
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.unshare(os.CLONE_NEWUSER)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    open("/proc/sys/user/max_user_namespaces", "w").write("0")
    start = [sys.executable, "-I", "-S", launch, "9", str(os.getppid()), "NEVER_ROOT", folder]
    os.execv(sys.executable, start + command)
os.read(ready[0], 1)
for which in ("uid_map", "gid_map"):
    open(f"/proc/{child}/{which}", "w").write("0 0 65536")
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@as_root
def test_root_starts_postgres_as_somebody_else(servers: Stack) -> None:
    pid = servers.pid("postgres")

    inside, outside, _ = Path(f"/proc/{pid}/uid_map").read_text().split()

    assert (inside != "0", outside) == (True, "0")
    assert servers.data.stat().st_mode & 0o077 == 0


@as_root
def test_where_namespaces_are_forbidden_postgres_gets_another_user(tmp_path: Path) -> None:
    private = tmp_path / "private"
    folder = private / "postgres"
    folder.mkdir(parents=True, mode=0o700)
    private.chmod(0o700)
    (private / "password").write_text("secret")
    initdb = [str(binary("initdb")), f"--pgdata={folder}", f"--pwfile={private / 'password'}"]

    made = run(  # noqa: S603 - our own command
        [sys.executable, "-c", WITHOUT_NAMESPACES, str(LAUNCH), str(folder), *initdb, *INITDB],
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode == 0, made.stderr
    assert folder.stat().st_uid != 0
    assert (folder / "PG_VERSION").exists()
