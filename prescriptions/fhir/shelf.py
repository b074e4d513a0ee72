"""The resources of a bundle, found by the references that point to them."""

from django.utils.translation import gettext as _

from prescriptions.fhir.node import FhirError, Node

BUNDLE_TYPES = {"searchset", "collection", "transaction", "batch", "document", "message", "history"}


class Shelf:
    """Every `entry[n].resource`, by type, by id and by fullUrl."""

    def __init__(self, bundle: Node):
        entries = bundle.items("entry")
        self.resources = [resource for entry in entries if (resource := entry.get("resource"))]
        self._known: dict[str, Node] = {}
        for entry in entries:
            self._remember(entry.get("resource"), entry.text("fullUrl"))

    @classmethod
    def of_contained(cls, resource: Node) -> "Shelf":
        """Of a resource that stands alone: what it contains."""
        shelf = cls(Node({}))
        shelf.resources = resource.items("contained")
        for contained in shelf.resources:
            shelf._remember(contained)
        return shelf

    def _remember(self, resource: Node, address: str = "") -> None:
        kind, name = resource.text("resourceType"), resource.text("id")
        for key in filter(None, [address, name and f"{kind}/{name}", name and f"#{name}"]):
            self._known.setdefault(key, resource)

    def of(self, *kinds: str) -> list[Node]:
        return [resource for resource in self.resources if resource.text("resourceType") in kinds]

    def find(self, reference: Node, *, inside: Node, kind: str) -> Node | None:
        """What `reference` points to, when it is here and of that kind; else None.

        `#id` is a contained resource first, then a sibling entry: French examples write it so.
        """
        name = reference.text("reference")
        if not name:
            return None
        contained = [r for r in inside.items("contained") if f"#{r.text('id')}" == name]
        found = next(iter(contained), None) or self._known.get(name) or self._known.get(_without_base(name))
        return found if found is not None and found.text("resourceType") == kind else None


def _without_base(reference: str) -> str:
    """`https://server/fhir/Patient/1/_history/2` as `Patient/1`."""
    parts = reference.split("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def refuse_modifiers(resource: Node) -> None:
    """A modifierExtension changes the meaning of what holds it (FHIR R4, 2.4.0.2): unknown here, so refused."""
    waiting = [resource]
    while waiting:
        node = waiting.pop()
        if isinstance(node.value, dict):
            if node.value.get("modifierExtension") or node.value.get("implicitRules"):
                raise FhirError(
                    node.path,
                    _("une extension change le sens de ce qui suit et n’est pas connue ici (modifierExtension)."),
                )
            waiting += [node.get(name) for name in node.value if name != "contained"]
        elif isinstance(node.value, list):
            waiting += [Node(item, f"{node.path}[{place}]") for place, item in enumerate(node.value)]
