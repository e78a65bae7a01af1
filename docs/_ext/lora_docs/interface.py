"""The Python interface, from docstrings: a section for each public name."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes

from lora_docs.tree import section

_LITERAL = re.compile(r"``(.+?)``|`([^`]+)`", re.S)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The names that a module promises: its ``__all__``, else those without an underscore."""
    for name in getattr(module, "__all__", None) or sorted(vars(module)):
        value = getattr(module, name)
        own = getattr(value, "__module__", "").startswith("lora_proofs")
        if not name.startswith("_") and own and (inspect.isclass(value) or callable(value)):
            yield name, value


def interface(module_name: str) -> Iterator[nodes.Node]:
    """What a module says of itself, then its public classes and functions."""
    module = import_module(module_name)
    if module_name != "lora_proofs":
        yield from docstring(module)
    for name, value in public(module):
        content = [signature(name, value), *docstring(value), *members(value)]
        ident = f"api-{module_name}-{name}".replace(".", "-").replace("_", "-")
        yield section([nodes.literal("", name)], ident, *content)


def signature(name: str, value: Any) -> nodes.literal_block:
    """How it is called, one argument a line where that is long."""
    shown = f"{name}{called(value)}"
    if is_enum(value):
        shown = f"{name}: {' | '.join(map(str, value))}"
    elif len(shown) > 88:
        shown = f"{name}{spread(value)}"
    return nodes.literal_block(shown, shown, language="python")


class Written:
    """An annotation as it stands in the source, without quotation marks."""

    def __init__(self, text: Any) -> None:
        self.text = text if isinstance(text, str) else inspect.formatannotation(text)

    def __repr__(self) -> str:
        return self.text


def parameters(value: Any) -> inspect.Signature | None:
    """The signature of a function or class, if it has one that means something."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    shown = [one.replace(annotation=written(one.annotation)) for one in found.parameters.values()]
    back = inspect.Signature.empty if inspect.isclass(value) else written(found.return_annotation)
    return found.replace(
        parameters=[one for one in shown if one.name != "self"], return_annotation=back
    )


def written(annotation: Any) -> Any:
    """An annotation that prints as it was written; none where there is none."""
    return annotation if annotation is inspect.Signature.empty else Written(annotation)


def called(value: Any) -> str:
    """The signature in one line."""
    found = parameters(value)
    return _ADDRESS.sub("", str(found)) if found and not is_enum(value) else ""


def spread(value: Any) -> str:
    """The signature with an argument a line."""
    found = parameters(value)
    assert found is not None
    lines = [f"    {_ADDRESS.sub('', str(one))}," for one in listed(found)]
    end = _ADDRESS.sub("", str(found.replace(parameters=[]))).removeprefix("()")
    return "\n".join(["(", *lines, f"){end}"])


def listed(found: inspect.Signature) -> Iterator[Any]:
    """The parameters, with the star before those that are named."""
    starred = False
    for one in found.parameters.values():
        starred |= one.kind is one.VAR_POSITIONAL
        if one.kind is one.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield one


def is_enum(value: Any) -> bool:
    """Whether a class lists its values."""
    return hasattr(value, "__members__")


def docstring(value: Any) -> Iterator[nodes.Node]:
    """Paragraphs, and examples as they are run."""
    text = inspect.getdoc(value) or ""
    for part in re.split(r"\n\s*\n", text):
        if part.lstrip().startswith(">>>"):
            yield nodes.literal_block(part, part, language="pycon")
        elif part.strip():
            yield nodes.paragraph("", "", *pieces(" ".join(part.split())))


def pieces(text: str) -> Iterator[nodes.Node]:
    """Text with code between backquotes."""
    end = 0
    for found in _LITERAL.finditer(text):
        yield nodes.Text(text[end : found.start()])
        code = found[1] or found[2]
        yield nodes.literal(code, code)
        end = found.end()
    yield nodes.Text(text[end:])


def members(value: Any) -> Iterator[nodes.Node]:
    """The public methods and properties of a class, where they say something."""
    if not inspect.isclass(value):
        return
    items = nodes.definition_list()
    for name, member in vars(value).items():
        plain = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(plain) or not plain.__doc__:
            continue
        shown = name if isinstance(member, property) else f"{name}{called(plain)}"
        term = nodes.term("", "", nodes.literal(shown, shown))
        items += nodes.definition_list_item("", term, nodes.definition("", *docstring(plain)))
    if len(items):
        yield items
