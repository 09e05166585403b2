"""Holds stub mappings of AWS against the service models of its own SDK (botocore): the one argument is their folder.

Each mapping's request, by its example where its own words tell none, and its answer go through what judges the emulator
(`additions/described_aws.py`). Then a field that nobody has is put in many places of it, one at a time: each has to be found.
Says how many mappings and how many such places were looked at.
"""

import copy
import json
import pathlib
import re
import sys
import urllib.parse

from additions.described import Answer, Asked, misfits


def main():
    files = sorted(pathlib.Path(sys.argv[1]).rglob("*.json"))
    assert files, "there are no mappings"
    wrong, places = [], 0
    for file in files:
        mapping = json.loads(file.read_text())
        found = misfits(*exchange(mapping))
        wrong += [f"{file}: {text}" for text in (["it is no call of AWS"] if found is None else found)]
        for place, spoilt in drifted(mapping):
            places += 1
            if not misfits(*exchange(spoilt)):
                wrong.append(f"{file}: nobody sees a drift of {place}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(files)} mappings, a drift seen in {places} places")


def exchange(mapping):
    request, answer = mapping["request"], mapping["response"]
    example = mapping["metadata"].get("example", {})
    words = {name: text.get("equalTo") or text.get("contains", "") for name, text in request.get("headers", {}).items()}
    bodies = [p.get("equalTo") or p.get("contains") or json.dumps(p.get("equalToJson", "")) for p in request.get("bodyPatterns", [])]
    query = {name: text.get("equalTo") or text.get("contains", "") for name, text in request.get("queryParameters", {}).items()}
    target = example.get("url") or request.get("url") or request["urlPath"] + (f"?{urllib.parse.urlencode(query)}" if query else "")
    body = example.get("body") or (bodies[0] if bodies else "")
    path, _, query = target.partition("?")
    asked = Asked(request["method"], path, query, {**words, **example.get("headers", {})}, body.encode())
    text = json.dumps(answer["jsonBody"]) if "jsonBody" in answer else answer.get("body", "")
    return asked, Answer(answer["status"], answer.get("headers", {}), text.encode())


def drifted(mapping):
    """The mapping with a field that nobody has: in the query or form or body of its request, and all over its answer."""
    asked, _ = exchange(mapping)
    spoilt = copy.deepcopy(mapping)
    example = spoilt["metadata"].setdefault("example", {})
    if asked.body.startswith(b"{"):
        example["body"] = json.dumps({**json.loads(asked.body), "driftedAway": 1})
    elif asked.body:
        example["body"] = f"{asked.body.decode()}&DriftedAway=1"
    else:
        example["url"] = f"{asked.path}?{asked.query}&driftedAway=1"
    yield "its request", spoilt
    answer = mapping["response"]
    for place in objects(answer["jsonBody"]) if "jsonBody" in answer else ():
        spoilt = copy.deepcopy(mapping)
        inner = spoilt["response"]["jsonBody"]
        for step in place:
            inner = inner[step]
        inner["driftedAway"] = 1
        yield f"its answer at {place}", spoilt
    for tag in re.finditer(r"<\w[^>/]*>(?=<)", answer.get("body", "")):
        if "Response" not in tag[0] and "Metadata" not in tag[0]:
            spoilt = copy.deepcopy(mapping)
            text = answer["body"]
            spoilt["response"]["body"] = f"{text[:tag.end()]}<DriftedAway>1</DriftedAway>{text[tag.end():]}"
            yield f"its answer in {tag[0]}", spoilt


def objects(value, place=()):
    """Where objects are whose fields have a description: tags have none."""
    if isinstance(value, dict):
        yield place
        for name, inner in value.items():
            if name != "tags":
                yield from objects(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from objects(inner, (*place, number))


main()
