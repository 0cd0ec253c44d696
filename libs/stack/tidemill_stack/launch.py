"""Becomes one child of the stack: it ends with its parent, and PostgreSQL never runs as root."""

import ctypes
import os
import pwd
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """SIGNAL PARENT_PID NEVER_ROOT|AS_IS FOLDER COMMAND…: exec the command in FOLDER's name.

    It gets SIGNAL when its parent ends. Runs once for each child, hence on the standard library
    alone and without site-packages.
    """
    signal, parent, rights, folder, *command = arguments
    if rights == "NEVER_ROOT" and (os.geteuid() == 0 or not named(os.geteuid())):
        become_named(Path(folder))
    checked(libc.prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0))
    if os.getppid() != int(parent):
        sys.exit("the parent ended before its child began")
    os.execv(command[0], command)  # noqa: S606 - a shell would hide the child's pid


def named(user: int) -> bool:
    """Whether the system knows a name for this id; initdb refuses to run without one."""
    return any(entry.pw_uid == user for entry in pwd.getpwall())


def become_named(folder: Path) -> None:
    """Run as an ordinary user who can still reach files below a folder of mode 0700.

    In a user namespace this process is known by another id and keeps its files. Where namespaces
    are forbidden root takes another id and keeps one capability: to pass file modes.
    """
    ordinary = next(entry for entry in reversed(pwd.getpwall()) if entry.pw_uid != 0)
    user, group = ordinary.pw_uid, ordinary.pw_gid
    if namespaces_allowed(user, group):
        own(folder, os.geteuid(), os.getegid())
        enter_namespace(user, group)
    elif os.geteuid() == 0:
        own(folder, user, group)
        drop_root(user, group)


def namespaces_allowed(user: int, group: int) -> bool:
    """Tried in a process of its own, because there is no way back."""
    probe = os.fork()
    if probe == 0:
        try:
            enter_namespace(user, group)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(probe, 0)[1] == 0


def enter_namespace(user: int, group: int) -> None:
    real_user, real_group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {real_user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {real_group} 1", encoding="ascii")


def drop_root(user: int, group: int) -> None:
    # also access(2) then heeds the capability: initdb asks it whether it may run postgres
    checked(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    kept = 1 << CAP_DAC_OVERRIDE
    checked(libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)))
    checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def own(folder: Path, user: int, group: int) -> None:
    """Hand the folder over, if it is not theirs already."""
    if folder.stat().st_uid == user:
        return
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.lchown(Path(place, name), user, group)
    os.chown(folder, user, group)


def checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    main(sys.argv[1:])
