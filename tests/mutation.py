"""For `make mutants`: what mutmut (3) leaves alone, made so that it can be asked too, and the figures in the end.

`python -m tests.mutation copy TREE` copies the project, its decorated functions bare: mutmut passes over what wears a
decorator, and most of ours wear @transaction.atomic. Here they put it on one line further down.
`python -m tests.mutation tables` changes the tables of states, which are no functions, one entry at a time.
`python -m tests.mutation figures` says what was killed and what survived, by module.
"""

import ast
import fnmatch
import importlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import django

PARTS = ("portal", "prescriptions", "sharing", "tests", "templates", "static", "docs", ".ci")
FILES = ("manage.py", "pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", ".env.example")
TABLES = Path("sharing/states.py")
AT_ONCE = (
    "test_the_drawing_is_the_table",
    "test_the_two_tables_are_never_mixed",
    "test_every_state_is_active_or_ended_and_an_end_is_an_end",
    "test_every_state_can_be_reached_and_left_to_an_end",
    "test_each_move_says_its_trace_who_makes_it_and_whether_the_patient_is_told",
    "test_a_delivery_is_due_or_in_trouble_or_over_and_only_a_retry_is_both",
)
STORIES = ("states", "delivery", "race", "share_actions", "policies", "desk")
TABLES_KILLED = Path("mutants/tables.json")
KILLED = {1, 3}  # a test failed, or pytest itself
NO_TEST = {5, 33}


# --- Copying --------------------------------------------------------------------------------------------------------
def copy(tree: Path) -> None:
    """Only what has changed since: mutmut then knows what it has already asked."""
    mutated = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    files = [file for part in PARTS for file in Path(part).rglob("*") if file.is_file()]
    for file in [*files, *map(Path, FILES), *Path().glob("requirements*.txt")]:
        there = tree / file
        if "__pycache__" in file.parts or there.exists() and there.stat().st_mtime >= file.stat().st_mtime:
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        if any(fnmatch.fnmatch(str(file), pattern) for pattern in mutated):
            there.write_text(bare(file.read_text()))
        else:
            shutil.copy2(file, there)


def bare(source: str) -> str:
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
            continue
        worn, at = f"{node.name}__bare", node.lineno - 1
        for decorator in reversed(node.decorator_list):
            worn = f"{ast.unparse(decorator)}({worn})"
        lines[node.end_lineno - 1] += f"\n\n\n{node.name} = {worn}"
        lines[at] = lines[at].replace(f"def {node.name}(", f"def {node.name}__bare(", 1)
        del lines[node.decorator_list[0].lineno - 1 : at]
    return "\n".join(lines)


# --- The tables -----------------------------------------------------------------------------------------------------
def tables() -> None:
    """In mutmut's own copy of the project, which it has made already."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    importlib.import_module("tests.sharing.test_states")  # once, for every fork
    copied = Path("mutants") / TABLES
    source, told = TABLES.read_text(), {}
    if _is_seen_at_once(source):
        raise SystemExit("The tests of the tables fail on the tables as they are.")
    try:
        for name, changed in table_mutants(source):
            copied.write_text(changed)
            told[name] = _is_seen_at_once(changed) or _is_seen_by_a_story()
            print("killed  " if told[name] else "SURVIVED", name, flush=True)
    finally:
        copied.write_text(source)
        TABLES_KILLED.write_text(json.dumps(told))


def _is_seen_at_once(changed: str) -> bool:
    """By a test that needs no database, in a fork of this process whose tables are the changed ones."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    seen = True
    try:
        exec(changed, vars(importlib.import_module("sharing.states")))
        importlib.reload(importlib.import_module("sharing.management.commands.draw_states"))
        tests = importlib.reload(importlib.import_module("tests.sharing.test_states"))
        for name in AT_ONCE:
            getattr(tests, name)()
        seen = False
    finally:
        os._exit(seen)


def _is_seen_by_a_story() -> bool:
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "--nomigrations", "-p", "no:cacheprovider"]
    command = [*pytest, "-m", "not postgres"]
    command += [f"tests/sharing/test_{name}.py" for name in STORIES]
    return subprocess.run(command, cwd="mutants", capture_output=True, check=False).returncode != 0


def table_mutants(source: str) -> Iterator[tuple[str, str]]:
    """(its name, the file with that one change): an entry left out; of a Move, its audit kind, notice or author."""
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        name = ast.unparse(statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0])
        for words, old, new in _changes(statement.value, source):
            yield f"{name}: {words}", source[: old[0]] + new + source[old[1] :]


def _changes(value: ast.expr, source: str) -> Iterator[tuple[str, tuple[int, int], str]]:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Move":
        for said in value.args:
            other = '"share_moved"' if said.value is None else '"other"' if said.value != "share_moved" else "None"
            yield f"{said.value} becomes {other}", _span(said, said, source), other
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "frozenset":
        yield from _changes(value.args[0], source)
    elif isinstance(value, ast.Dict):
        for key, move in zip(value.keys, value.values, strict=True):
            yield f"without {ast.unparse(key)}", _span(key, move, source), "**{}"
    elif isinstance(value, ast.Set | ast.Tuple) and len(value.elts) > 1:
        for item in value.elts:
            yield f"without {ast.unparse(item)}", _span(item, item, source), "*()"


def _span(first: ast.expr, last: ast.expr, source: str) -> tuple[int, int]:
    """Places in the text; the columns that ast gives are bytes."""
    lines = source.splitlines(keepends=True)

    def place(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    return place(first.lineno, first.col_offset), place(last.end_lineno, last.end_col_offset)


# --- Figures --------------------------------------------------------------------------------------------------------
def figures() -> None:
    """A time-out counts as killed, as mutmut does it: the tests did not come to their end."""
    told = defaultdict(Counter)
    for file in Path("mutants").rglob("*.py.meta"):
        for code in json.loads(file.read_text())["exit_code_by_key"].values():
            told[str(file.relative_to("mutants"))[:-5]][_word(code)] += 1
    if TABLES_KILLED.exists():
        seen = Counter(json.loads(TABLES_KILLED.read_text()).values())
        told[f"{TABLES} (tables)"] += Counter(killed=seen[True], survived=seen[False])
    told["all"] = sum(told.values(), Counter())
    for module, counts in sorted(told.items()):
        asked = counts.total() - counts["not asked"]
        share = f"{100 * (counts['killed'] + counts['timed out']) / asked:5.1f} %" if asked else "      -"
        print(f"{module:34} {share}  " + "  ".join(f"{word} {n}" for word, n in sorted(counts.items())))


def _word(code: int | None) -> str:
    if code is None:
        return "not asked"
    return "killed" if code in KILLED else "survived" if code == 0 else "no test" if code in NO_TEST else "timed out"


if __name__ == "__main__":
    {"copy": copy, "tables": tables, "figures": figures}[sys.argv[1]](*map(Path, sys.argv[2:]))
