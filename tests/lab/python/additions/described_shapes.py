"""Values, elements and forms held against the shapes of botocore's service models, to the last field.

Names, types, enumerations, the forms of texts, and what is required. Lengths and ranges are not looked at.
"""

import functools
import json
import re


def parsed(body):
    return json.loads(body or b"{}")


def of_json(value, shape, at, required=True):
    if value is None:
        return
    kind = shape.type_name if shape else "structure"
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        if not isinstance(value, dict):
            yield f"{at} is no structure"
            return
        names = {m.serialization.get("name", k): m for k, m in shape.members.items() if "location" not in m.serialization} if shape else {}
        for name, inner in value.items():
            if name in names:
                yield from of_json(inner, names[name], f"{at}.{name}")
            else:
                yield f"{at} has no {name}"
        needed = [m.serialization.get("name", k) for k in (shape.required_members if shape else ()) if "location" not in (m := shape.members[k]).serialization]
        yield from (f"{at} lacks {name}" for name in needed if required and name not in value)
    elif kind == "list":
        for inner in value if isinstance(value, list) else ():
            yield from of_json(inner, shape.member, f"{at}[]")
        if not isinstance(value, list):
            yield f"{at} is no list"
    elif kind == "map":
        for inner in value.values() if isinstance(value, dict) else ():
            yield from of_json(inner, shape.value, f"{at}{{}}")
        if not isinstance(value, dict):
            yield f"{at} is no map"
    elif kind in KINDS:
        if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{at} is no {kind}"
        elif kind == "string":
            yield from _word(value, shape, at)


KINDS = {
    "string": str, "blob": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float, str),
}


def _word(value, shape, at):
    """The words of enumerations and the forms of ids."""
    enum, pattern = getattr(shape, "enum", None), _pattern(shape.metadata.get("pattern"))
    if enum and value not in enum:
        yield f"{at}: {value} is none of {enum}"
    if pattern and not pattern.search(value):
        yield f"{at}: {value} does not match {pattern.pattern}"


@functools.cache
def _pattern(text):
    try:
        return text and re.compile(text)
    except re.error:  # an expression of Java's alone
        return None


def tag(element):
    return re.sub("{.*}", "", element.tag)


def of_elements(elements, shape, at):
    """Elements that are the members of a structure."""
    members = {}
    for key, member in shape.members.items() if shape else ():
        if member.serialization.get("location") or member.serialization.get("xmlAttribute"):
            continue
        name = member.serialization.get("name", key)
        flat = member.type_name == "list" and member.serialization.get("flattened")
        members[member.member.serialization.get("name", name) if flat else name] = member.member if flat else member
    for element in elements:
        name = tag(element)
        if name in members:
            yield from _element(element, members[name], f"{at}.{name}")
        else:
            yield f"{at} has no {name}"


def _element(element, shape, at):
    text, kind = element.text or "", shape.type_name
    if kind == "structure":
        yield from of_elements(list(element), shape, at)
    elif kind == "list":
        wanted = shape.member.serialization.get("name", "member")
        for child in element:
            yield from _element(child, shape.member, f"{at}[]") if tag(child) == wanted else [f"{at} has no {tag(child)}"]
    elif kind == "map":
        flat = [element] if shape.serialization.get("flattened") else element
        for entry in flat:
            values = [child for child in entry if tag(child) == shape.value.serialization.get("name", "value")]
            yield from _element(values[0], shape.value, f"{at}{{}}") if values else [f"{at} has an entry without a value"]
    elif len(element):
        yield f"{at} is no {kind}"
    elif kind in ("integer", "long") and not re.fullmatch(r"-?\d+", text):
        yield f"{at} is no {kind}: {text}"
    elif kind == "boolean" and text not in ("true", "false"):
        yield f"{at} is no boolean: {text}"
    elif kind == "timestamp" and not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?|[A-Z][a-z]{2}, \d\d ", text):
        yield f"{at} is no timestamp: {text}"
    elif kind == "string" and text:
        yield from _word(text, shape, at)


def is_in_form(parts, shape, ec2):
    """Whether the parts of a form's name lead to something in the shape."""
    if not parts or shape is None:
        return not parts and shape is not None and shape.type_name not in ("structure", "map")
    first, rest = parts[0], parts[1:]
    if shape.type_name == "structure":
        for key, member in shape.members.items():
            name = member.serialization.get("name", key)
            if ec2:
                name = member.serialization.get("queryName") or name[:1].upper() + name[1:]
            if name == first:
                return is_in_form(rest, member, ec2)
        return False
    if shape.type_name == "list":
        flat = ec2 or shape.serialization.get("flattened")
        if not flat and first == shape.member.serialization.get("name", "member"):
            first, rest = (rest[0], rest[1:]) if rest else ("", [])
        return first.isdigit() and is_in_form(rest, shape.member, ec2)
    if shape.type_name == "map":
        return len(rest) == 2 and first == "entry" and rest[0].isdigit()
    return False
