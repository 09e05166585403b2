"""Buckets of Cloud Storage, and what a project lets its members do with them; the objects are an emulator's.

What Cloud Storage does (references of the JSON API v1 and of Resource Manager v3; "IAM permissions for JSON methods",
"Soft delete", "Request preconditions"): a bucket has uniform access, public access prevention, versions, a soft delete
policy, lifecycle rules, labels, a default key and a metageneration; each call takes a permission; conditions are
answered with 412; a name is one's own (409), somebody else's (409, and 403 on a look), or free.

fake-gcs-server keeps names and versions alone, and lets a conditional DELETE through. So buckets are kept here, and what
is asked of objects goes on to it, with their condition looked at first. Requests, queries and answers are held against
Google's description (`google_storage.json`), those of objects too.

Left out: ACLs, retention, folders, paging of our own, consistency that comes later, everything but the calls that are made.

Control, always with `"bucket": NAME`, and one of:
- `"project": id`, and with `"upstream": "host:port"` where its objects lie: the name may be made in this project;
- `"set": {…}`: somebody changes the bucket by hand (merged; null takes away); `"plant": {…}`: it is there, as given
  (null: it is not); `"then": {…}`: it is, right before our own creation; `"shared": true`: who is not of its project may
  do with it what we may;
- `"without": [permissions]`: what nobody may do with it and in its project (replaces what there was);
- `"conditional": true`: what is granted on objects has a condition on their names: on the bucket it is not seen;
- `"keyless": true`: the project's agent may not use any key; `"busy": n`: so many of the next creations meet a name that is
  being made or deleted: it is taken, and nothing is there;
- `"fault": {"verb", "part", "status", "times"}`: so many of the next calls whose path ends with this part are refused;
- `"cut": n`, with `"done": true` if the call itself is carried out: call n from now and all after it fail; 0: none does.
The answer holds the bucket, the calls so far and the permissions that they asked for.
"""

import http.client
import json
import os
import re
import threading
import urllib.parse

from . import google

NAME = "google_storage"
STORAGE = "/_google/storage.googleapis.com"
PROJECTS = "/_google/cloudresourcemanager.googleapis.com"
GENERAL = {"alt", "fields", "prettyPrint"}
DAY = 24 * 60 * 60

with open(os.path.join(os.path.dirname(__file__), "google_storage.json")) as file:
    APIS = json.load(file)

_lock = threading.RLock()
_places = {}


class Place:
    """A name of a bucket: where it may be made, what is there, what goes wrong with it."""

    def __init__(self):
        self.project, self.upstream, self.bucket = None, None, None
        self.without, self.faults, self.calls, self.asked = set(), [], [], []
        self.cut, self.done, self.then, self.shared = 0, False, None, False
        self.keyless, self.busy, self.conditional = False, 0, False


def control(request):
    with _lock:
        place = _places.setdefault(request["bucket"], Place())
        unknown = set(request) - {"bucket", "project", "upstream", "set", "plant", "then", "shared", "keyless", "busy", "conditional", "without", "fault", "cut", "done"}
        if unknown:
            raise ValueError(f"unknown: {sorted(unknown)}")
        place.project = request.get("project", place.project)
        place.upstream = request.get("upstream", place.upstream)
        place.then, place.shared = request.get("then", place.then), request.get("shared", place.shared)
        place.keyless, place.busy = request.get("keyless", place.keyless), request.get("busy", place.busy)
        place.conditional = request.get("conditional", place.conditional)
        if "plant" in request:
            place.bucket = request["plant"] and _whole({"name": request["bucket"], **request["plant"]})
        if "set" in request:
            place.bucket = _merged(place.bucket, request["set"])
            _next(place.bucket)
        if "without" in request:
            place.without = set(request["without"])
        if "fault" in request:
            place.faults.append(dict(request["fault"]))
        if "cut" in request:
            place.cut = len(place.calls) + request["cut"] if request["cut"] else 0
            place.done = request.get("done", False)
        return {"bucket": place.bucket, "calls": place.calls, "asked": sorted(set(place.asked))}


def wrap(app):
    def answer(environ, start_response):
        raw = environ["RAW_URI"].partition("?")[0]
        of_project = raw.startswith(f"{PROJECTS}/v3/projects/") and _of_project(raw)
        if not raw.startswith(f"{STORAGE}/") and not of_project:
            return app(environ, start_response)
        try:
            status, headers, data = _answered(environ, raw, of_project, app)
        except google.Refused as refused:
            status, headers, data = refused.status, [], json.dumps(refused.body).encode()
        except Exception as error:  # a mistake of the stand-in's own
            status, headers = "501 Drifted", []
            data = json.dumps({"error": {"code": 501, "message": f"the stand-in drifted: {error!r}"}}).encode()
        headers = headers or [("Content-Type", "application/json")]
        start_response(status, [*headers, ("Content-Length", str(len(data)))])
        return [data]

    return answer


def _of_project(raw):
    """The place whose project this is about."""
    project = raw.removeprefix(f"{PROJECTS}/v3/projects/").partition(":")[0]
    return next((place for place in list(_places.values()) if place.project == project), None)


def _answered(environ, raw, of_project, app):
    verb, path = environ["REQUEST_METHOD"], raw.removeprefix(PROJECTS if of_project else STORAGE)
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if of_project and verb == "GET":
        last = _counted(of_project, verb, path)
        _permitted(of_project, google._caller(environ), "resourcemanager.projects.get")
        found = _passed_on(environ, app)
        if last:
            raise _error(400, "cut off by the lab, after it was carried out", "cut")
        return found
    method, names = _method(verb, path, "cloudresourcemanager" if of_project else "storage")
    request = json.loads(text) if text else {}
    if method["request"]:
        wrong = _misfit(request, {"$ref": method["request"]}, "request")
        if wrong:
            raise _error(400, wrong, "invalid")
    unknown = set(query) - set(method["query"]) - GENERAL
    if unknown:
        raise _error(400, f"unknown parameters: {sorted(unknown)}", "invalidParameter")
    with _lock:
        name = request.get("name", "") if method["name"] == "buckets.insert" else urllib.parse.unquote(names[0])
        place = of_project or _places.setdefault(name, Place())
        last = _counted(place, verb, path)
        caller = google._caller(environ)
        if not method["name"].startswith("objects."):
            body = METHODS[method["name"]](place, caller, request, query)
            wrong = _misfit(body, {"$ref": method["response"]}, "answer")
            assert not wrong, wrong
            found = ("200 OK", [], json.dumps(body).encode())
        else:
            _permitted(place, caller, {"GET": "storage.objects.get", "DELETE": "storage.objects.delete"}[verb] if len(names) > 1 else "storage.objects.list")
    if method["name"].startswith("objects."):
        found = _object(place, environ, method, verb, path, query)
    if last:
        raise _error(400, "cut off by the lab, after it was carried out", "cut")
    return found


def _method(verb, path, host):
    for method in APIS["methods"]:
        names = google._names(method["path"], path)
        if names and method["verb"] == verb and method["host"].startswith(host):
            return method, names
    raise _error(404, f"no method for {verb} {path}", "notFound")


def _counted(place, verb, path):
    """Notes a call; refuses it where it is to fail. True: it is to be carried out, and its answer to get lost."""
    with _lock:
        place.calls.append(f"{verb} {path}")
        for fault in place.faults:
            if fault["verb"] == verb and path.endswith(fault["part"]):
                fault["times"] -= 1
                if fault["times"] <= 0:
                    place.faults.remove(fault)
                raise _error(fault["status"], "asked for by the lab", "rateLimitExceeded" if fault["status"] == 429 else "backendError")
        at = place.cut and len(place.calls) - place.cut
        if place.cut and at >= 0 and not (at == 0 and place.done):
            raise _error(400, "cut off by the lab", "cut")
        return bool(place.cut) and at == 0


def _permitted(place, caller, permission):
    place.asked.append(permission)
    members = google._projects.get(place.project, {}).get("members", [])
    foreign = permission.startswith("storage.") and place.bucket is not None and place.bucket["projectNumber"] != _number(place.project) and not place.shared
    if caller not in members or permission in place.without or foreign:
        if permission.startswith("resourcemanager."):
            raise google._error(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).", permission)
        raise _error(403, f"{caller} does not have {permission} access to the Google Cloud Storage bucket. Permission '{permission}' denied on resource (or it may not exist).", "forbidden")


def _number(project):
    return str(google._projects.get(project, {}).get("number", "415104041262"))


def _passed_on(environ, app):
    import io

    started = []
    environ["wsgi.input"] = io.BytesIO()
    data = b"".join(app(environ, lambda status, headers, *rest: started.append((status, headers))))
    status, headers = started[-1]
    return status, [h for h in headers if h[0].lower() != "content-length"], data


def _misfit(value, rule, at):
    return google._misfit(value, rule, at, APIS["schemas"])


def _error(code, message, reason):
    error = {"code": code, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    return google.Refused(f"{code} X", {"error": error})


def _whole(bucket):
    """A bucket with what Cloud Storage gives one by itself."""
    whole = {
        "kind": "storage#bucket", "id": bucket["name"], "projectNumber": "0", "metageneration": "1", "location": "US",
        "locationType": "region", "storageClass": "STANDARD", "timeCreated": "2026-11-22T10:00:00.000Z",
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}, "publicAccessPrevention": "inherited"},
        "softDeletePolicy": {"retentionDurationSeconds": str(7 * DAY), "effectiveTime": "2026-11-22T10:00:00.000Z"},
    }
    return _merged(whole, bucket)


def _merged(old, change):
    """RFC 7396."""
    if not isinstance(change, dict):
        return change
    out = dict(old) if isinstance(old, dict) else {}
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out


def _next(bucket):
    bucket["metageneration"] = str(int(bucket["metageneration"]) + 1)


def _checked(bucket):
    seconds = int(bucket["softDeletePolicy"]["retentionDurationSeconds"])
    if seconds != 0 and not 7 * DAY <= seconds <= 90 * DAY:
        raise _error(400, "Invalid soft delete retention duration.", "invalid")
    if bucket["iamConfiguration"]["publicAccessPrevention"] not in ("inherited", "enforced"):
        raise _error(400, "Invalid public access prevention.", "invalid")
    return bucket


def _key(place, request):
    if place.keyless and "encryption" in request:
        raise _error(403, "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.", "forbidden")


def _insert(place, caller, request, query):
    if query.get("project", [None])[0] != place.project:
        raise _error(400, "Unknown project id.", "invalid")
    if place.busy:
        place.busy -= 1
        raise _error(409, "The requested bucket name is not available.", "conflict")
    if place.then is not None:
        place.bucket = _whole({"name": request["name"], **place.then})
    if place.bucket is not None:
        own = place.bucket["projectNumber"] == _number(place.project)
        raise _error(409, "Your previous request to create the named bucket succeeded and you already own it." if own else "The requested bucket name is not available.", "conflict")
    _permitted(place, caller, "storage.buckets.create")
    _key(place, request)
    place.bucket = _checked(_whole({**request, "projectNumber": _number(place.project)}))
    _upstream(place, "POST", "/storage/v1/b?project=lab", {"name": request["name"], "versioning": request.get("versioning", {})})
    return place.bucket


def _get(place, caller, request, query):
    if place.bucket is None:
        raise _error(404, "The specified bucket does not exist.", "notFound")
    _permitted(place, caller, "storage.buckets.get")
    return place.bucket


def _patch(place, caller, request, query):
    if place.bucket is None:
        raise _error(404, "The specified bucket does not exist.", "notFound")
    _permitted(place, caller, "storage.buckets.update")
    if "publicAccessPrevention" in request.get("iamConfiguration", {}):
        _permitted(place, caller, "storage.buckets.setIamPolicy")
    _key(place, request)
    if query.get("ifMetagenerationMatch", [place.bucket["metageneration"]])[0] != place.bucket["metageneration"]:
        raise _error(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")
    place.bucket = _checked(_merged(place.bucket, request))
    _next(place.bucket)
    if "versioning" in request:
        _upstream(place, "PATCH", f"/storage/v1/b/{place.bucket['name']}", {"versioning": request["versioning"]})
    return place.bucket


def _test_bucket(place, caller, request, query):
    if place.bucket is None:
        raise _error(404, "The specified bucket does not exist.", "notFound")
    wanted = [p for p in query.get("permissions", []) if not (place.conditional and p.startswith("storage.objects."))]
    return {"kind": "storage#testIamPermissionsResponse", **_has(place, caller, wanted)}


def _test_project(place, caller, request, query):
    return _has(place, caller, request.get("permissions", []))


def _has(place, caller, wanted):
    members = google._projects.get(place.project, {}).get("members", [])
    has = [p for p in wanted if caller in members and p not in place.without]
    return {"permissions": has} if has else {}


METHODS = {
    "buckets.insert": _insert,
    "buckets.get": _get,
    "buckets.patch": _patch,
    "buckets.testIamPermissions": _test_bucket,
    "projects.testIamPermissions": _test_project,
}


def _upstream(place, verb, path, body=None, headers=None):
    if place.upstream is None:
        return 404, {}, b'{"error": {"code": 404, "message": "its objects lie nowhere"}}'
    connection = http.client.HTTPConnection(place.upstream, timeout=20)
    try:
        connection.request(verb, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def _object(place, environ, method, verb, path, query):
    wanted = query.get("ifGenerationMatch", [None])[0]
    if wanted is not None:
        status, _, data = _upstream(place, "GET", path)
        if status == 200 and json.loads(data)["generation"] != wanted:
            raise _error(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")
    asked = f"{path}?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else path
    headers = {"Range": environ["HTTP_RANGE"]} if "HTTP_RANGE" in environ else {}
    status, headers, data = _upstream(place, verb, asked, headers=headers)
    if status == 200 and method["response"] and query.get("alt") != ["media"]:
        wrong = _misfit(json.loads(data), {"$ref": method["response"]}, "answer")
        assert not wrong, wrong
    if verb == "DELETE" and status == 200:
        status, data = 204, b""  # the emulator answers 200 and `null`
    kept = [(k, v) for k, v in headers.items() if k.lower() in ("content-type", "content-range", "x-goog-generation")]
    return f"{status} X", kept, data
