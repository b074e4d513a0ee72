"""The house's rules that a machine can check. Each says in its name what to do."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.apps import apps

from tests import project
from tests.personal_fields import ENCRYPTED, FIELDS

# Written so that this file does not hold what it looks for.
MACHINE_PATHS = r"(?<![\w.])/(work|root|home/[a-z]+|Users)/(?!\s)"
REGISTRY_HOSTS = r"(pythonhosted|pypi|npmjs)\.(org|com)\b|(deb|ftp|security)\.debian\.org|artifact" + "registry"
SKIPS = r"pytest\.(mark\.)?(skip|xfail|importorskip)|unittest\.skip|Skip[T]est"
OUR_CODE_FAKED = r"(patch|setattr)\(\s*[\"'](portal|prescriptions|sharing)\."


def nothing(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def everything() -> list[Path]:
    binary = {".png", ".woff2", ".ico", ".mo", ".pdf", ".pyc", ".jpg"}
    return [file for file in project.files("*") if file.suffix not in binary]


def test_imports_go_from_sharing_to_prescriptions_to_portal_and_never_upward():
    # In a process of its own: it sets the logging of the whole process its own way.
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=project.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("check", ["check", "format --check"])
def test_code_is_written_in_one_style(check):
    ruff = [sys.executable, "-m", "ruff", *check.split(), "--quiet", "--output-format=concise", "."]
    done = subprocess.run(ruff, cwd=project.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"make lint\n{done.stdout}"


def test_views_and_api_reach_data_through_its_owner():
    doors = [file for file in project.app_code() if re.search(r"/(views|api)[/\w]*\.py$|/(views|api)/", str(file))]
    assert doors
    nothing(project.lines_with(r"\.objects\b", doors))


def test_no_file_names_a_machine_or_a_registry():
    nothing(project.lines_with(f"{MACHINE_PATHS}|{REGISTRY_HOSTS}", everything()))


def test_no_error_is_swallowed_whole():
    nothing(project.lines_with(r"except\s*(\(?\s*(Base)?Exception\b|:)", project.app_code()))


def test_a_date_in_words_comes_from_moments():
    """Django's own formats write « 1 février »."""
    code = [file for file in project.app_code() if project.name(file) != "portal/moments.py"]
    nothing(project.lines_with(r"\bdate_format\b", code))
    numbers_only = r"TIME_FORMAT|Ymd|c"
    nothing(project.lines_with(rf"\|date\b(?!:\"({numbers_only})\")", project.templates(), template=True))


def test_no_test_sleeps():
    nothing(project.lines_with(r"\bsleep\(", project.files("*.py", under="tests")))


def test_no_test_is_skipped():
    nothing(project.lines_with(SKIPS, project.files("*.py", under="tests")))


def test_parameters_of_tests_are_the_same_in_every_process():
    """Two workers that list different tests run none."""
    nothing(project.lines_with(r"parametrize\(.*(uuid4|uuid7|now|today|random\w*|token_\w+)\(", project.files("*.py")))


def test_no_test_fakes_our_own_code():
    nothing(project.lines_with(OUR_CODE_FAKED, project.files("*.py", under="tests")))


def test_names_say_what_things_are():
    vague = re.compile(r"Manager|Helper|Service|Utils?\b|Utils?[A-Z]")
    found = []
    for file in project.files("*.py"):
        if file.stem in {"utils", "util", "helpers", "services", "managers"}:
            found.append(project.name(file))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and vague.search(node.name):
                found.append(f"{project.name(file)}:{node.lineno}: {node.name}")
    nothing(found)


def test_every_function_of_the_site_that_writes_a_log_gives_it_no_person():
    personal = r"\blog(ger)?\.\w+\(.*\b(ins|nir|birth|given_name|family_name|full_name|mss_address|body|message)\b"
    nothing(project.lines_with(personal, project.app_code()))


# --- Templates ----------------------------------------------------------------------------------------------------


def screens() -> list[Path]:
    """What a browser gets: all but the printed documents and the e-mails, which carry their own style."""
    return [file for file in project.templates() if not {"pdf", "emails"} & set(file.parts)]


def test_no_script_or_style_is_written_in_a_page():
    scripts = r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style\b|\sstyle=|\son[a-z]+=\"|javascript:"
    nothing(project.lines_with(scripts, screens(), template=True))


def test_pages_ask_nothing_of_other_sites():
    outside = r"(?<!<a )(src|href|action|url)\s*[=(]\s*[\"']?(https?:)?//"  # a link is followed by a person
    nothing(project.lines_with(outside, screens() + project.files("*.css", "*.js", under="static"), template=True))


@pytest.mark.parametrize("file", project.files("*.html", under="templates/components"), ids=lambda file: file.stem)
def test_each_component_says_how_to_use_it(file):
    assert re.match(r"({%\s*(extends|load)[^%]*%}\s*)*{%\s*comment", file.read_text()), "begin with {% comment %}"


def test_each_template_is_used():
    sources = [file.read_text() for file in project.app_code() + project.templates()]
    unused = [
        project.name(file) for file in project.templates() if not _is_used(file.relative_to(project.TEMPLATES), sources)
    ]
    nothing(unused)


def _is_used(template: Path, sources: list[str]) -> bool:
    called_by_django = {"400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"}  # 429: allauth
    if str(template) in called_by_django or _replaces_a_library_template(template):
        return True
    # An e-mail is called by its name, in quotes.
    wanted = (
        f"[\"']{template.stem}[\"']|def {template.stem}\\b"
        if template.parts[0] == "emails"
        else re.escape(f"{template}")
    )
    return any(re.search(wanted, source) for source in sources)


def _replaces_a_library_template(template: Path) -> bool:
    libraries = ("allauth", "django.contrib.admin", "django.contrib.auth", "django.forms", "rest_framework")
    folders = [Path(find_spec(library).origin).parent / "templates" for library in libraries]
    names = [template]
    if template.parts[0] == "admin":  # the admin looks for admin/<app>/<model>/name first
        names.append(Path("admin", template.name))
    return any((folder / name).exists() for folder in folders for name in names)


NOT_WORDS = {
    "Ordolien",
    "MSSanté",
    "FR",
    "EN",
    "Français",
    "English",
    "QR",
    "PDF",
    "INS",
    "RPPS",
    "FINESS",
    "Enter",
    "Ctrl",
}
TAG = r"<(?:[^>\"]|\"[^\"]*\")*>"
SPOKEN_ATTRIBUTES = r"\b(?:title|alt|placeholder|aria-label|aria-description|data-on|data-off)=\"([^\"]*)\""


@pytest.mark.parametrize("file", screens(), ids=project.name)
def test_each_sentence_of_a_page_can_be_translated(file):
    text = project.without_comments(file.read_text())
    text = re.sub(r"{%-?\s*blocktrans(late)?\b.*?endblocktrans(late)?\s*%}", " ", text, flags=re.S)
    text = re.sub(r"{% block \w*(class|coltype)\w* %}.*?{% endblock", " ", text)
    text = re.sub(r"{%.*?%}|{{.*?}}|&\w+;|<(script|style)\b.*?</\1>", " ", text, flags=re.S)
    said = " ".join(re.findall(SPOKEN_ATTRIBUTES, text)) + " " + re.sub(TAG, " ", text)
    said = re.sub(r"\b[\w.-]+\.(fr|eu)\b", " ", said)
    assert [word for word in re.findall(r"[^\W\d_]{2,}", said) if word not in NOT_WORDS] == []


def test_french_is_written_as_it_is_printed():
    """Space before : ; ? ! never breaks, the apostrophe is curved, nobody shouts."""
    wrong = []
    for place, sentence in _french_sentences():
        sentence = re.sub(r"{{.*?}}|{%.*?%}|%\(\w+\)[sd]|<[^>]*>|https?://\S+", "x", sentence, flags=re.S)
        if re.search(r"\w[ ][:;?!»]|«[ ]|\w'\w|\w[?!;](\s|$)|!(\s|$)", sentence):
            wrong.append(f"{place}: {' '.join(sentence.split())[:100]}")
    nothing(wrong)


GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}


def _french_sentences():
    for file in project.templates():
        text = project.without_comments(file.read_text())
        for match in re.finditer(r"{%\s*trans(?:late)?\s+\"([^\"]*)\"", text):
            yield project.name(file), match.group(1)
        for match in re.finditer(r"{%\s*blocktrans(?:late)?\b[^%]*%}(.*?){%\s*endblocktrans", text, flags=re.S):
            yield project.name(file), match.group(1)
    for file in project.app_code():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in GETTEXT:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield f"{project.name(file)}:{node.lineno}", argument.value


# --- Data and settings ----------------------------------------------------------------------------------------------


def our_models():
    return [model for model in apps.get_models() if model._meta.app_label in project.APPS]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_each_column_is_classified(model):
    kinds = FIELDS.get(model._meta.label, {})
    classified = sorted(name for names in kinds.values() for name in names.split())
    columns = [*model._meta.local_concrete_fields, *model._meta.local_many_to_many]
    assert classified == sorted(column.name for column in columns), "tests/personal_fields.py"
    sealed = sorted(column.name for column in columns if getattr(column, "is_encrypted", False))
    assert sorted(kinds.get(ENCRYPTED, "").split()) == sealed


def test_no_model_that_is_gone_stays_classified():
    assert set(FIELDS) == {model._meta.label for model in our_models()}


def test_each_setting_is_in_the_example():
    asked = r"(?:env\.(?:text|flag|number|words|path|one_of)|_key)\(\s*\"(\w+)\""
    names = {name for file in project.app_code() for name in re.findall(asked, file.read_text())}
    example = (project.ROOT / ".env.example").read_text()
    assert names
    assert sorted(name for name in names if not re.search(rf"^#?\s?{name}=", example, flags=re.M)) == []


def test_each_command_is_in_a_document():
    commands = {file.stem for file in project.app_code() if file.parts[-3:-1] == ("management", "commands")}
    pages = [project.ROOT / "README.md", *project.files("*.md", under="docs")]
    told = " ".join(page.read_text() for page in pages)
    assert len(commands) > 10
    untold = [name for name in commands - {"__init__"} if not re.search(rf"(manage\.py|ordolien)\s+{name}\b", told)]
    assert sorted(untold) == []
