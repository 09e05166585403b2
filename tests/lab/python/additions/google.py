"""A stand-in for Google Cloud: tokens, a metadata server, projects, clusters of GKE. No emulator of these can be had.

Written from the API references ("OAuth 2.0 for Web Server Applications", RFC 6749 and RFC 7523 for the token endpoint;
"VM metadata"; and the references of Security Token Service v1, IAM Service Account Credentials v1, Resource Manager v3,
Kubernetes Engine v1, Secret Manager v1, Google OAuth2 v2). Every host of Google is a folder here: `/_google/HOST/PATH`. What has a
description of Google's (`google.json`, taken from the Go module that is named in it) is checked against it, request and
answer: an answer with a field that Google does not have is an error 500, so a stand-in that drifts fails its tests.

Left out: everything but the calls that are made; signatures of statements (any key of a known account is taken); scopes;
IAM beyond who is a member of a project and who may act as an account; paging; zones as separate paths.

Control, one of (all names are whole, all lists replace what there was):
- `{"project": id, "members": [emails]}` with an optional `"state"`, and `"without": [permissions]` that no member has;
- `{"cluster": {…}, "project": id}` puts a cluster as GetCluster shows it; `{"operation": {…}, "project": id}` the same;
- `{"account": email, "also": [emails or audiences]}`: a service account, and who else may make tokens for it;
- `{"person": email, "refresh_token": text, "seconds": n}`: somebody who signed in, and how long a token lasts; with
  `"acting_seconds"`, how long one lasts that this person makes for a service account, whatever is asked for;
- `{"pool": audience, "subjects": [tokens]}`: an identity pool, and the tokens of others that it takes;
- `{"machine": email}`: whose token the metadata server gives;
- `{"revoke": email or refresh token}`: none of its tokens is taken any more;
- `{"secret": name, "project": id, "versions": {number: text, or null for one that is disabled}}`, with `"readers": [emails]`;
- `{"api_server": {"endpoint": URL, "certificate": base64}}`: whose API the clusters have that Terraform makes (`google_made.py`);
- `{"clusters": project}` answers `{"clusters": [as GetCluster shows them]}`;
- `{"calls": part}` answers `{"calls": [paths]}`: what was asked whose path holds this;
- `{"tokens": person}` answers `{"tokens": [{"email", "born", "until", "uses", "refused"}]}` for every token that this person
  was given, also for an account, the first one first: in how many calls it was taken, by `PROGRAM HOST` (`tokeninfo` for the
  questions whose it is), and in how many it was not, because it had ended. Times are seconds; the token itself is not told.
"""

import base64
import datetime
import json
import os
import re
import threading
import time
import urllib.parse
import uuid

from . import described_google

NAME = "google"
PREFIX = "/_google/"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

with open(os.path.join(os.path.dirname(__file__), "google.json")) as file:
    APIS = json.load(file)

_lock = threading.Lock()
_projects, _clusters, _operations = {}, {}, {}
_accounts, _people, _pools, _tokens = {}, {}, {}, {}
_machine, _secrets, _server = {}, {}, {}
_calls, _given = [], []


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


def control(request):
    with _lock:
        if "calls" in request:
            return {"calls": [call for call in _calls if request["calls"] in call]}
        if "tokens" in request:
            found = [token for token in _given if token["by"] == request["tokens"]]
            return {"tokens": [{name: token[name] for name in ("email", "born", "until", "uses", "refused")} for token in found]}
        if "clusters" in request:
            return {"clusters": [c for (p, _, _), c in sorted(_clusters.items()) if p == request["clusters"]]}
        if "api_server" in request:
            _server.update(request["api_server"])
        elif "cluster" in request:
            cluster = request["cluster"]
            _clusters[request["project"], cluster["location"], cluster["name"]] = cluster
        elif "operation" in request:
            _operations.setdefault(request["project"], []).append(request["operation"])
        elif "secret" in request:
            _secrets[request["project"], request["secret"]] = {"versions": request["versions"], "readers": request["readers"]}
        elif "project" in request:
            _projects[request["project"]] = {"state": request.get("state", "ACTIVE"), "members": request["members"], "without": request.get("without", [])}
        elif "account" in request:
            _accounts.setdefault(request["account"], set()).update(request["also"])
        elif "person" in request:
            names = {"seconds": request.get("seconds", 3600), "acting": request.get("acting_seconds")}
            _people[request["refresh_token"]] = {"email": request["person"]} | names
        elif "pool" in request:
            _pools[request["pool"]] = request["subjects"]
        elif "machine" in request:
            _machine["email"] = request["machine"]
        else:
            gone = request["revoke"]
            _people.pop(gone, None)
            for token in [t for t, found in _tokens.items() if found["email"] == gone]:
                del _tokens[token]
        return {}


def member(environ, project):
    """Refuses whoever may not see the project."""
    with _lock:
        _member(environ, project, "resourcemanager.projects.get")


def cluster_stands(project, location, name, stands):
    """A cluster that Terraform made, or one that it destroyed."""
    path = f"projects/{project}/locations/{location}/clusters/{name}"
    with _lock:
        _clusters.pop((project, location, name), None)
        if stands:
            # Without an API server: an address of the network that RFC 5737 keeps for examples.
            _clusters[project, location, name] = {
                "name": name, "location": location, "status": "RUNNING", "currentMasterVersion": "1.34.3-gke.100",
                "endpoint": _server.get("endpoint", "192.0.2.10").removeprefix("https://"),
                "selfLink": f"https://container.googleapis.com/v1/{path}",
                "masterAuth": {"clusterCaCertificate": _server.get("certificate", "")},
            }


def wrap(app):
    def answer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return app(environ, start_response)
        headers = [("Content-Type", "application/json"), ("Metadata-Flavor", "Google")]
        try:
            with _lock:
                _calls.append(path.removeprefix(PREFIX))
                status, body = "200 OK", _answered(environ, *path.removeprefix(PREFIX).partition("/")[::2])
        except Refused as refused:
            status, body = refused.status, refused.body
        except Exception as error:  # a mistake of the stand-in's own
            status, body = "500 Internal Server Error", {"error": {"code": 501, "status": "UNIMPLEMENTED", "message": f"the stand-in drifted: {error!r}"}}
        data = json.dumps(body).encode()
        start_response(status, headers + [("Content-Length", str(len(data)))])
        return [data]

    return answer


def _answered(environ, host, path):
    path, verb = f"/{path}", environ["REQUEST_METHOD"]
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
    if (host, path, verb) == ("oauth2.googleapis.com", "/token", "POST"):
        return _signed_in(dict(urllib.parse.parse_qsl(text)))
    if host == "metadata.google.internal":
        return _metadata(environ, path)
    method = next((m for m in APIS["methods"] if (m["host"], m["verb"]) == (host, verb) and _names(m["path"], path)), None)
    if method is None:
        raise _error(404, "NOT_FOUND", f"no method for {verb} {host}{path}")
    request = json.loads(text) if text else {}
    if method["request"]:
        wrong = _misfit(request, {"$ref": method["request"]}, "request")
        if wrong:
            raise _error(400, "INVALID_ARGUMENT", wrong)
    answer = METHODS[host, method["path"]](environ, request, query, *_names(method["path"], path))
    wrong = _misfit(answer, {"$ref": method["response"]}, "answer")
    assert not wrong, wrong
    return answer


def _names(pattern, path):
    """The parts of the path that the pattern leaves open; nothing when it is another path."""
    found = re.fullmatch(re.escape(pattern).replace(r"\{\}", "([^/]+?)"), path)
    return found and (found.groups() or ("",))


def _misfit(value, rule, at, schemas=APIS["schemas"]):
    """What is not as Google describes it."""
    return described_google.misfit(value, rule, at, schemas)


def _error(code, status, message, permission=None):
    error = {"code": code, "status": status, "message": message}
    if permission:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com", "metadata": {"permission": permission}}]
    return Refused(f"{code} X", {"error": error})


def _token(email, seconds, by=None, acting=None):
    """Somebody's token; `by` is the person behind it, `acting` how long those last that are made with it."""
    token, now = f"ya29.lab-{uuid.uuid4().hex}", time.time()
    _tokens[token] = {"email": email, "by": by or email, "acting": acting, "born": now, "until": now + seconds, "uses": {}, "refused": 0}
    _given.append(_tokens[token])
    return token


def _alive(token, use):
    """What is known of a token that is taken for this; nothing when it is not."""
    found = _tokens.get(token)
    if found is None:
        return None
    if found["until"] < time.time():
        found["refused"] += 1
        return None
    found["uses"][use] = found["uses"].get(use, 0) + 1
    return found


def _signed_in(form):
    """RFC 6749, 6 and RFC 7523."""
    invalid = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    if form.get("grant_type") == "refresh_token":
        person = _people.get(form.get("refresh_token"))
        if person is None:
            raise Refused("400 Bad Request", invalid)
        token = _token(person["email"], person["seconds"], acting=person["acting"])
        return {"access_token": token, "expires_in": person["seconds"], "token_type": "Bearer", "scope": SCOPE}
    raise Refused("400 Bad Request", {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"})


def _metadata(environ, path):
    if environ.get("HTTP_METADATA_FLAVOR") != "Google":
        raise Refused("403 Forbidden", {"error": "Missing required header"})
    account = "/computeMetadata/v1/instance/service-accounts/default/"
    if "email" not in _machine or not path.startswith(account):
        raise Refused("404 Not Found", {"error": "not found"})
    if path == account:
        return {"aliases": ["default"], "email": _machine["email"], "scopes": [SCOPE]}
    return {"access_token": _token(_machine["email"], 3600), "expires_in": 3600, "token_type": "Bearer"}


def _bearer(environ):
    program = environ.get("HTTP_USER_AGENT", "").partition("/")[0]
    use = f"{program} {environ['PATH_INFO'].removeprefix(PREFIX).partition('/')[0]}"
    found = _alive(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "), use)
    if found is None:
        raise _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    return found


def _caller(environ):
    return _bearer(environ)["email"]


def _member(environ, project, permission):
    caller = _caller(environ)
    if project not in _projects or caller not in _projects[project]["members"] or permission in _projects[project]["without"]:
        raise _error(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).", permission)


def _exchange(environ, request, query, _):
    audience = request["audience"]
    if request["subjectToken"] not in _pools.get(audience, []):
        raise Refused("400 Bad Request", {"error": "invalid_grant", "error_description": "The subject token is not taken."})
    kind = "urn:ietf:params:oauth:token-type:access_token"
    return {"access_token": _token(audience, 3600), "expires_in": 3600, "token_type": "Bearer", "issued_token_type": kind}


def _act(environ, request, query, project, account):
    bearer = _bearer(environ)
    actor = bearer["email"]
    for link in [name.rsplit("/", 1)[1] for name in request.get("delegates", [])] + [account]:
        if actor not in _accounts.get(link, []):
            permission = "iam.serviceAccounts.getAccessToken"
            raise _error(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).", permission)
        actor = link
    seconds = bearer["acting"] or int(request.get("lifetime", "3600s").removesuffix("s"))
    end = datetime.datetime.fromtimestamp(int(time.time()) + seconds, datetime.timezone.utc)
    return {"accessToken": _token(account, seconds, by=bearer["by"]), "expireTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _tokeninfo(environ, request, query, _):
    found = _alive(query.get("access_token"), "tokeninfo")
    if found is None:
        raise Refused("400 Bad Request", {"error": "invalid_token", "error_description": "Invalid Value"})
    return {"email": found["email"], "verified_email": True, "expires_in": int(found["until"] - time.time()), "scope": SCOPE}


def _project(environ, request, query, project):
    _member(environ, project, "resourcemanager.projects.get")
    return {"name": "projects/415104041262", "projectId": project, "state": _projects[project]["state"], "displayName": project}


def _test(environ, request, query, project):
    caller, found = _caller(environ), _projects.get(project, {"members": [], "without": []})
    has = [p for p in request.get("permissions", []) if caller in found["members"] and p not in found["without"]]
    return {"permissions": has} if has else {}


def _cluster(environ, request, query, project, location, name):
    _member(environ, project, "container.clusters.get")
    found = _clusters.get((project, location, name))
    if found is None:
        raise _error(404, "NOT_FOUND", f"Not found: projects/{project}/locations/{location}/clusters/{name}.")
    return found


def _listed(environ, request, query, project, location):
    _member(environ, project, "container.clusters.list")
    found = [c for (p, l, _), c in _clusters.items() if p == project and location in ("-", l)]
    return {"clusters": found} if found else {}


def _working(environ, request, query, project, location):
    _member(environ, project, "container.operations.list")
    found = [o for o in _operations.get(project, []) if location in ("-", o.get("location"))]
    return {"operations": found} if found else {}


def _secret(environ, request, query, project, name, version):
    found, caller = _secrets.get((project, name)), _caller(environ)
    if found is None or caller not in found["readers"]:
        permission = "secretmanager.versions.access"
        raise _error(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).", permission)
    version = max(found["versions"], key=int) if version == "latest" else version
    if version not in found["versions"]:
        raise _error(404, "NOT_FOUND", f"Secret Version [projects/415104041262/secrets/{name}/versions/{version}] not found.")
    text = found["versions"][version]
    if text is None:
        raise _error(400, "FAILED_PRECONDITION", f"Secret Version [projects/415104041262/secrets/{name}/versions/{version}] is in DISABLED state.")
    data = text.encode()
    payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(_crc32c(data))}
    return {"name": f"projects/415104041262/secrets/{name}/versions/{version}", "payload": payload}


def _crc32c(data):
    """RFC 3720, appendix B.4."""
    total = 0xFFFFFFFF
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = (total >> 1) ^ 0x82F63B78 if total & 1 else total >> 1
    return total ^ 0xFFFFFFFF


METHODS = {
    ("secretmanager.googleapis.com", "/v1/projects/{}/secrets/{}/versions/{}:access"): _secret,
    ("sts.googleapis.com", "/v1/token"): _exchange,
    ("iamcredentials.googleapis.com", "/v1/projects/{}/serviceAccounts/{}:generateAccessToken"): _act,
    ("www.googleapis.com", "/oauth2/v2/tokeninfo"): _tokeninfo,
    ("www.googleapis.com", "/oauth2/v2/userinfo"): lambda environ, *_: {"id": "1", "email": _caller(environ), "verified_email": True},
    ("cloudresourcemanager.googleapis.com", "/v3/projects/{}"): _project,
    ("cloudresourcemanager.googleapis.com", "/v3/projects/{}:testIamPermissions"): _test,
    ("container.googleapis.com", "/v1/projects/{}/locations/{}/clusters/{}"): _cluster,
    ("container.googleapis.com", "/v1/projects/{}/locations/{}/clusters"): _listed,
    ("container.googleapis.com", "/v1/projects/{}/locations/{}/operations"): _working,
}
