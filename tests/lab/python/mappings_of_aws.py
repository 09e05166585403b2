"""Holds stub mappings of AWS against the service models of its own SDK (botocore): the one argument is their folder.

The service is read off the signature, the operation off verb and path, or off `Action`. A path or an action that nobody
has, a field of an answer that the operation does not have, one of another type, a value that is none of its enumeration,
and an error that the operation does not know each fail. Says how many mappings were looked at.
"""

import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree

import botocore.session

SESSION = botocore.session.Session()
COMMON = {"AccessDeniedException", "ThrottlingException", "UnrecognizedClientException", "ExpiredTokenException"}


def main():
    files = sorted(pathlib.Path(sys.argv[1]).rglob("*.json"))
    wrong = [f"{file}: {error}" for file in files for error in checked(json.loads(file.read_text()))]
    assert files, "there are no mappings"
    drifted = [json.loads(file.read_text()) for file in files]
    for file, mapping in zip(files, drifted):
        answer = mapping["response"]
        if "jsonBody" in answer:
            answer["jsonBody"]["driftedAway"] = 1
        else:
            answer["body"] = re.sub("(<[A-Za-z]+Result>)", r"\1<DriftedAway>1</DriftedAway>", answer["body"])
        if not list(checked(mapping)):
            wrong.append(f"{file}: a field that nobody has was not seen")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(files)} mappings")


def checked(mapping):
    request, answer = mapping["request"], mapping["response"]
    signed = re.search(r"/([a-z0-9-]+)/aws4_request", request["headers"]["Authorization"]["matches"])
    service = SESSION.get_service_model(signed[1])
    operation = found(service, request)
    if operation is None:
        yield f"{signed[1]} has no {request['method']} {request['urlPath']}"
        return
    if answer["status"] >= 400:
        kind = answer["headers"].get("X-Amzn-ErrorType", "")
        known = {shape.name: shape for shape in operation.error_shapes}
        if kind not in known.keys() | COMMON:
            yield f"{operation.name} does not answer {kind}"
        elif kind in known:
            yield from misfits(answer["jsonBody"], known[kind], "error")
    elif "jsonBody" in answer:
        yield from misfits(answer["jsonBody"], operation.output_shape, "answer")
    else:
        root = xml.etree.ElementTree.fromstring(answer["body"])
        names = [re.sub("{.*}", "", element.tag) for element in root]
        if f"{operation.name}Result" not in names:
            yield f"{operation.name} answers with no result but {names}"
        for element in root[0]:
            name = re.sub("{.*}", "", element.tag)
            if name not in operation.output_shape.members:
                yield f"answer has no {name}"


def found(service, request):
    for pattern in request.get("bodyPatterns", []):
        action = dict(urllib.parse.parse_qsl(pattern.get("contains", ""))).get("Action")
        if action:
            return service.operation_model(action) if action in service.operation_names else None
    for name in service.operation_names:
        operation = service.operation_model(name)
        path = re.sub(r"\\\{[^}]*\\\}|\\\{[^}]*\}|\{[^}]*\}", "[^/]+", re.escape(operation.http["requestUri"]))
        if operation.http["method"] == request["method"] and re.fullmatch(path, request["urlPath"]):
            return operation
    return None


def misfits(value, shape, at):
    if value is None:
        return
    if shape.type_name == "structure":
        for name, inner in value.items():
            names = {member.serialization.get("name", key): member for key, member in shape.members.items()}
            if name not in names:
                yield f"{at} has no {name}"
            else:
                yield from misfits(inner, names[name], f"{at}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            yield from misfits(inner, shape.member, f"{at}[]")
    elif shape.type_name == "map":
        for inner in value.values():
            yield from misfits(inner, shape.value, f"{at}{{}}")
    else:
        kinds = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": (int, float)}
        if not isinstance(value, kinds[shape.type_name]):
            yield f"{at} is no {shape.type_name}"
        elif getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{at}: {value} is none of its values"


main()
