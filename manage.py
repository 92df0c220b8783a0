#!/usr/bin/env python3
"""The command line of the Takedown Portal: `./manage.py help` lists what there is.

Without DATABASE_URL it joins the portal that `make run` started on this machine.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"


def main() -> None:
    if find_spec("django") is None:
        if not PYTHON.exists():
            sys.exit("The portal is not set up here yet: `make run` installs it and starts it.")
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606  (this very command, under the project's Python)
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (installed, as was just seen)

    from portal.local import running  # noqa: PLC0415

    if not os.environ.get("DATABASE_URL"):
        try:
            os.environ.update(running.environment(os.environ.get("STACK", "")))
        except running.NoStack as none:
            sys.exit(str(none))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
