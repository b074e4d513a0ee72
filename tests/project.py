"""The project's own files and templates, for the tests that read them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("portal", "prescriptions", "sharing")
NOT_OURS = {"var", "staticfiles", "__pycache__", "vendor"}
TEMPLATES = ROOT / "templates"


def files(*patterns: str, under: str = ".") -> list[Path]:
    found = {file for pattern in patterns for file in (ROOT / under).rglob(pattern) if file.is_file()}
    return sorted(file for file in found if not _is_not_ours(file.relative_to(ROOT)))


def _is_not_ours(file: Path) -> bool:
    return any(part in NOT_OURS or part.startswith(".") and part != ".ci" for part in file.parts[:-1])


def app_code() -> list[Path]:
    return [file for app in APPS for file in files("*.py", under=app) if "migrations" not in file.parts]


def templates() -> list[Path]:
    return files("*.html", "*.txt", "*.svg", under="templates")


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def without_comments(source: str) -> str:
    """Blanks template comments, keeping the lines."""
    return re.sub(r"{% comment.*?endcomment %}|{#.*?#}|<!--.*?-->", _blank, source, flags=re.S)


def lines_with(pattern: str, files: list[Path], *, template: bool = False) -> list[str]:
    """`file:line: text` for each line that the pattern matches."""
    wanted = re.compile(pattern)
    found = []
    for file in files:
        text = file.read_text(errors="replace")
        for number, line in enumerate((without_comments(text) if template else text).splitlines(), 1):
            if wanted.search(line):
                found.append(f"{name(file)}:{number}: {line.strip()[:120]}")
    return found


def _blank(match: re.Match) -> str:
    return "\n" * match.group().count("\n")
