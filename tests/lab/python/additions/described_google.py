"""Exchanges with Google held against its own descriptions of its APIs, as they went over the wire.

Requests, parameters, answers and refusals: names, types, formats, enumerations, to the last field. Refusals have no
description; theirs is the page "Errors" of the guide to the design of Google's APIs, with the codes of `google.rpc.Code`, and
in the JSON API of Cloud Storage its page "HTTP status and error codes". The token endpoint goes by RFC 6749, the metadata
server by its guide.
"""

import json
import os
import re
import urllib.parse

PREFIX = "/_google/"
# The stand-ins' own, with no counterpart at Google.
BESIDE = tuple(f"/_google/cloudresourcemanager.googleapis.com/v3/{own}/" for own in ("by-hand", "made"))

APIS = []
for _name in ("google", "google_storage", "google_projects"):
    with open(os.path.join(os.path.dirname(__file__), f"{_name}.json")) as _file:
        APIS.append(json.load(_file))

CODES = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "ALREADY_EXISTS": 409, "ABORTED": 409, "RESOURCE_EXHAUSTED": 429, "CANCELLED": 499, "UNKNOWN": 500,
    "INTERNAL": 500, "DATA_LOSS": 500, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}
ERROR = {"code", "message", "status", "details", "errors"}
OLDER = {"domain", "reason", "message", "locationType", "location", "extendedHelp"}  # the entries of `errors`
INFO = {"@type", "reason", "domain", "metadata"}
KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
FORMATS = {
    "int64": r"-?\d+", "uint64": r"\d+", "google-datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "google-duration": r"-?\d+(\.\d+)?s",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "date": r"\d{4}-\d\d-\d\d", "byte": r"[A-Za-z0-9+/_-]*={0,2}",
}

# RFC 6749, 5 and 6; RFC 7523, 2.1.
TOKEN = {"access_token": str, "token_type": str, "expires_in": int, "refresh_token": str, "scope": str, "id_token": str}
GRANTS = {"grant_type", "refresh_token", "client_id", "client_secret", "scope", "assertion"}
REFUSED = {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_token"}
# "VM metadata", the folder of service accounts.
MACHINE = {"aliases": list, "email": str, "scopes": list}


def of_request(asked):
    """The method that is asked for, and what of the request is not as described."""
    host, path = _place(asked)
    if host == "metadata.google.internal":
        return {}, []
    if (host, path) == ("oauth2.googleapis.com", "/token"):
        form = dict(urllib.parse.parse_qsl(asked.body.decode(errors="replace")))
        return {}, [f"request has no {name}" for name in form.keys() - GRANTS]
    found = [(api, m) for api in APIS for m in api["methods"] if (m["host"], m["verb"]) == (host, asked.method) and _is_at(m["path"], path)]
    if not found:
        return None, [f"{host} has no {asked.method} {path}"]
    api, method = found[0]
    wrong = [_parameter(api, method, name, values) for name, values in urllib.parse.parse_qs(asked.query, keep_blank_values=True).items()]
    if method["request"]:
        wrong.append(misfit(json.loads(asked.body or b"{}"), {"$ref": method["request"]}, "request", api["schemas"]))
    elif asked.body:
        wrong.append("request has a body")
    return {**method, "schemas": api["schemas"]}, [w for w in wrong if w]


def of_answer(method, asked, answer):
    """What of an answer is not as described."""
    host, path = _place(asked)
    if 300 <= answer.status < 400 or (host == "metadata.google.internal" and answer.status >= 400):
        return []
    if answer.status >= 400:
        wrong = _refusal(host, answer.status, json.loads(answer.body))
    elif method.get("response"):
        if urllib.parse.parse_qs(asked.query).get("alt") == ["media"]:
            return []
        wrong = misfit(json.loads(answer.body), {"$ref": method["response"]}, "answer", method["schemas"])
    elif "path" in method:
        wrong = "answer has a body" if answer.body else None
    else:
        known = MACHINE if path.endswith("/default/") else TOKEN
        wrong = next((f"answer has no {n}" if n not in known else f"{n} is another kind" for n, v in json.loads(answer.body).items() if n not in known or not isinstance(v, known[n])), None)
    return [wrong] if wrong else []


def _place(asked):
    host, _, path = asked.path.removeprefix(PREFIX).partition("/")
    return host, f"/{path}"


def _is_at(pattern, path):
    return re.fullmatch(re.escape(pattern).replace(r"\{\}", "[^/]+?"), path)


def _parameter(api, method, name, values):
    rule = method["query"].get(name)
    if rule is None:
        return None if name in api["general"][method["host"]] else f"request has no parameter {name}"
    if len(values) > 1 and not rule.get("repeated"):
        return f"parameter {name} is given {len(values)} times"
    plain = {"integer": r"-?\d+", "boolean": "true|false"}.get(rule.get("type")) or FORMATS.get(rule.get("format"), ".*")
    return next((f"parameter {name}: {v}" for v in values if ("enum" in rule and v not in rule["enum"]) or not re.fullmatch(plain, v, re.DOTALL)), None)


def misfit(value, rule, at, schemas):
    """The first thing that is not as Google describes it."""
    if "$ref" in rule:
        rule = schemas[rule["$ref"]]
    kind = rule.get("type")
    if kind in KINDS and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{at} is no {kind}"
    if "enum" in rule and value not in rule["enum"]:
        return f"{at} is none of {rule['enum']}"
    if kind == "string" and rule.get("format") in FORMATS and not re.fullmatch(FORMATS[rule["format"]], value):
        return f"{at} is no {rule['format']}: {value}"
    if kind == "array":
        return next(filter(None, (misfit(v, rule["items"], f"{at}[{i}]", schemas) for i, v in enumerate(value))), None)
    if kind == "object":
        known, rest = rule.get("properties", {}), rule.get("additionalProperties")
        for name, inner in value.items():
            if name not in known and rest is None:
                return f"{at} has a field {name}"
            wrong = misfit(inner, known.get(name, rest), f"{at}.{name}", schemas)
            if wrong:
                return wrong
    return None


def _refusal(host, status, body):
    error = body.get("error")
    if isinstance(error, str):
        if host not in ("oauth2.googleapis.com", "sts.googleapis.com", "www.googleapis.com"):
            return f"{host} does not refuse by a word"
        unknown = body.keys() - {"error", "error_description", "error_uri"}
        return f"a refusal has no {sorted(unknown)}" if unknown else None if error in REFUSED else f"nobody refuses with {error}"
    if not isinstance(error, dict) or len(body) > 1:
        return f"a refusal has no {sorted(body.keys() - {'error'})}"
    unknown = error.keys() - ERROR | {n for e in error.get("errors", []) for n in e.keys() - OLDER}
    for detail in error.get("details", []):
        if not re.fullmatch(r"type\.googleapis\.com/google\.rpc\.[A-Z][A-Za-z]+", detail.get("@type", "")):
            return f"a detail of a refusal is no {detail.get('@type')}"
        unknown |= detail.keys() - INFO if detail["@type"].endswith(".ErrorInfo") else set()
    if unknown:
        return f"an error has no {sorted(unknown)}"
    if error.get("code") != status or not isinstance(error.get("message"), str):
        return f"status {status} tells {error.get('code')}: {error.get('message')}"
    if "status" in error and CODES.get(error["status"]) != status:
        return f"status {status} is no {error['status']}"
    return None
