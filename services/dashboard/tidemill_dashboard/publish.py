"""Lays the built dashboard into a folder: `python -m tidemill_dashboard.publish FOLDER`."""

import shutil
import sys
from pathlib import Path

from tidemill_dashboard.site import ROOT


def main() -> None:
    """Files of older builds stay, for pages that are still open."""
    if not (ROOT / "index.html").is_file():
        sys.exit("the dashboard was not built: npm's registry could not be reached")
    shutil.copytree(ROOT, Path(sys.argv[1]), dirs_exist_ok=True)


if __name__ == "__main__":
    main()
