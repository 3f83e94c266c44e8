"""What the pages say of the code is so: links, exit codes, environment variables, the lines that CI takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.rules.test_layers import ALLOWED
from tests.support.console import ROOT

from hvctl.errors import ExitCode
from hvctl.lab import faulty, guests, migration, settings

pytestmark = pytest.mark.docs

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md", *ROOT.glob("docs/**/*.md")]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"(?<![A-Z_])(?:HVCTL_[A-Z_]*[A-Z]|NO_COLOR)")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them of plain words."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", _text(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_broken(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return not file.exists() or (anchor != "" and anchor not in _anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = _LINK.findall(_FENCED.sub("", _text(page)))
    own = [target for target in targets if not target.startswith(("https://", "http://"))]
    assert [target for target in own if _is_broken(page, target)] == []


def test_every_page_is_in_the_navigation():
    nav = yaml.safe_load(_text(ROOT / "mkdocs.yml"))["nav"]
    listed = re.findall(r"[\w/]+\.md", str(nav))
    assert sorted(listed) == sorted(page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md"))


@pytest.mark.parametrize("name", ["README.md", "docs/scripts.md"])
def test_exit_codes_are_those_of_the_code(name):
    table = _text(ROOT / name).partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [int(code) for code in ExitCode]
    names = re.findall(r"^\| \d+ \| `(\w+)` \|", table, re.MULTILINE)
    assert names in ([], [code.name for code in ExitCode])


def test_environment_variables_are_those_of_the_code():
    sources = [_text(path) for path in (ROOT / "src").rglob("*.py")]
    known = {name for text in sources for name in _VARIABLE.findall(text)}
    table = _text(ROOT / "docs" / "scripts.md").partition("\n## Environment variables\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == known
    of_tests = {name for path in (ROOT / "tests").rglob("*.py") for name in _VARIABLE.findall(_text(path))}
    named = {name for page in PAGES for name in _VARIABLE.findall(_text(page))}
    assert named <= known | of_tests


def test_what_can_be_set_in_a_lab_is_told():
    text = _text(ROOT / "docs" / "lab.md")

    def rows(heading: str) -> set[str]:
        table = text.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
        return set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE))

    assert rows("setting") == set(settings.DEFAULTS)
    assert rows("behaviour in `guest`") == set(guests.BEHAVIOUR)
    assert rows("behaviour in `migration`") == set(migration.BEHAVIOUR)
    assert rows("fault in `disk_faults`") == set(faulty.FAULTS)


def test_layers_are_those_that_are_checked():
    table = _text(ROOT / "docs" / "architecture.md").partition("\n## Layers\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert {package: set(re.findall(r"`([\w.]+)`", allowed)) for package, allowed in rows.items()} == ALLOWED


@pytest.mark.skipif(sys.platform == "win32", reason="the script is for bash")
@pytest.mark.parametrize(("mark", "runs"), [("tour", "examples/lab_tour.py"), ("test", "-m pytest")])
def test_readme_has_the_lines_that_ci_runs(mark, runs):
    script = f'root="$1"; eval "$(sed -n "/^readme_line()/,/^}}/p" "$1/.ci/run")"; readme_line {mark}'
    done = subprocess.run(["bash", "-c", script, "bash", ROOT], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("python3 -m venv .venv && .venv/bin/pip install -q -e ")
    assert runs in done.stdout
    assert done.stdout.count("\n") == 1
