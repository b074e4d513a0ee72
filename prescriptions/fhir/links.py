"""RequestGroup: what lines have to do with each other, said in a sentence of each line's instructions.

The sentences become part of the prescription as it is stored, in the language of its prescriber: French, untranslated.
"""

from prescriptions.fhir.node import Node, clean
from prescriptions.intake.drafts import LineDraft

ALTERNATIVE = "ALT"


def tell_links(group: Node, lines: dict[str, LineDraft]) -> None:
    """`lines` by the id of their request. Adds to `instructions`, in place."""
    actions = {action.text("id"): action for action in group.items("action")}
    for action in actions.values():
        line = _line_of(action, lines)
        if line is None:
            continue
        _add(line, clean(action.text("description")))
        for related in action.items("relatedAction"):
            other = _line_of(actions.get(related.text("actionId"), Node(None)), lines)
            if other is not None and other is not line:
                _tell(related, line, other)


def _line_of(action: Node, lines: dict[str, LineDraft]) -> LineDraft | None:
    return lines.get(action.text("resource", "reference").rpartition("/")[2].lstrip("#"))


def _tell(related: Node, line: LineDraft, other: LineDraft) -> None:
    relation = related.text("relationship")
    if any(extension.text("valueCode") == ALTERNATIVE for extension in related.items("extension")):
        _both(line, other, "Au choix avec : %s. L’un ou l’autre, pas les deux.")
    elif relation.startswith("concurrent"):
        _both(line, other, "À prendre en même temps que : %s.")
    elif relation.startswith("before"):
        _add(line, f"À prendre avant : {other.name}.")
    elif relation.startswith("after"):
        _add(line, f"À prendre après : {other.name}.")


def _both(line: LineDraft, other: LineDraft, sentence: str) -> None:
    """These hold both ways even when they are written once."""
    _add(line, sentence % other.name)
    _add(other, sentence % line.name)


def _add(line: LineDraft, sentence: str) -> None:
    known = line.instructions.split("\n") if line.instructions else []
    line.instructions = "\n".join(dict.fromkeys([*known, *filter(None, [sentence])]))
