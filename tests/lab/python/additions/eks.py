"""EKS: where a cluster's API is, and who may use it.

AWS: CreateCluster takes `accessConfig` and DescribeCluster reports it; access entries map a principal to groups and to
AWS's access policies; who makes a cluster is its administrator unless `bootstrapClusterCreatorAdminPermissions` is
false. moto 5.2.5 drops `accessConfig`, has no access entries, and makes up endpoint and certificate authority.

Here: access entries and their policies, always; `accessConfig`, for clusters that were made with one; endpoint and
certificate authority of the lab's own API server, once a control call has named it. Left out: AccessDenied by IAM,
entries that nodes get by themselves, kinds of entry other than STANDARD, ListAccessPolicies, UpdateClusterConfig's
`accessConfig`, paging (all entries are one page), tags of entries by the tagging calls.

Control, one of:
- `{"endpoint": URL, "certificate": base64}` names the API server;
- `{"private": {"region": …, "cluster": …, "endpoint": URL}}`: this cluster's API has a private endpoint only, and this one;
- `{"key": key id}` answers `{"secret": …, "token": …}`, nulls for a key that moto does not know, no token for a user's;
- `{"clusters": region}` answers `{"clusters": [names]}`;
- `{"entry": {"region": …, "cluster": …, "principal": ARN}}` answers `{"entry": …}` as DescribeAccessEntry does, with
  `policies` beside, or null.
"""

import io
import json
import re
import threading
import time
import uuid

NAME = "eks"
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CLUSTER = re.compile(r"^/clusters/([^/]+)$")
ENTRY = re.compile(r"^/clusters/([^/]+)/access-entries(?:/(arn:.+?)(?:/access-policies(?:/(arn:.+))?)?)?$")
SCOPE = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/eks/aws4_request")

_lock = threading.Lock()
_server = {}
_access = {}  # (region, cluster) → accessConfig
_private = {}  # (region, cluster) → endpoint
_entries = {}  # (region, cluster) → principal → entry, with its policies under "policies"


class Refused(Exception):
    def __init__(self, status, kind, message):
        super().__init__(message)
        self.status, self.kind = status, kind


def wrap(app):
    def answer(environ, start_response):
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if scope is None or not path.startswith("/clusters"):
            return app(environ, start_response)
        key_id, region = scope.groups()
        entry = ENTRY.match(path)
        if entry:
            return _of_entry(app, environ, start_response, region, *entry.groups())
        if method == "POST" and path == "/clusters":
            return _create(app, environ, start_response, region, key_id)
        cluster = CLUSTER.match(path)
        if cluster and method in ("GET", "DELETE"):
            return _describe(app, environ, start_response, (region, cluster[1]), method == "DELETE")
        return app(environ, start_response)

    return answer


def control(request):
    if "endpoint" in request:
        _server.update(endpoint=request["endpoint"], certificate=request["certificate"])
        return {}
    if "private" in request:
        wanted = request["private"]
        _private[wanted["region"], wanted["cluster"]] = wanted["endpoint"]
        return {}
    if "key" in request:
        secret, token = _key(request["key"])
        return {"secret": secret, "token": token}
    if "clusters" in request:
        return {"clusters": [name for _, backend in _backends(request["clusters"]) for name in backend.clusters]}
    wanted = request["entry"]
    with _lock:
        entry = _entries.get((wanted["region"], wanted["cluster"]), {}).get(wanted["principal"])
        return {"entry": entry and _shown(entry) | {"policies": list(entry["policies"].values())}}


def _backends(region):
    from moto.eks.models import eks_backends

    return [(account, eks_backends[account][region]) for account in list(eks_backends)]


def _key(key_id):
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    for account in list(sts_backends):
        for backend in sts_backends[account].values():
            role = backend.get_assumed_role_from_access_key(key_id)
            if role:
                return role.secret_access_key, role.session_token
    for account in list(iam_backends):
        for backend in iam_backends[account].values():
            for user in backend.users.values():
                for key in user.access_keys:
                    if key.access_key_id == key_id:
                        return key.secret_access_key, None
    return None, None


def principal_of(arn):
    """The IAM principal behind the caller that STS names: sessions of a role are the role."""
    session = re.match(r"^arn:(aws[^:]*):sts::(\d+):assumed-role/([^/]+)/.+$", arn)
    if session:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
    # moto names a key that it has not made so.
    return re.sub(r"^(arn:aws[^:]*):sts::(\d+):user/", r"\1:iam::\2:user/", arn)


def _caller(key_id, region):
    from moto.sts.models import sts_backends

    account, backend = next(((a, sts_backends[a]["aws"]) for a in list(sts_backends)), (None, None))
    if backend is None:
        from moto.core import DEFAULT_ACCOUNT_ID as account

        backend = sts_backends[account]["aws"]
    return principal_of(backend.get_caller_identity(key_id, region)[1])


def _create(app, environ, start_response, region, key_id):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    request = json.loads(body or b"{}")
    status, headers, answer = _ask(app, environ)
    if not status.startswith("200"):
        return _pass_on(start_response, status, headers, answer)
    place = (region, request["name"])
    config = request.get("accessConfig") or {}
    creator_is_admin = config.get("bootstrapClusterCreatorAdminPermissions", True)
    with _lock:
        _entries[place] = {}
        _access.pop(place, None)
        if config:
            _access[place] = {
                "authenticationMode": config.get("authenticationMode", "CONFIG_MAP"),
                "bootstrapClusterCreatorAdminPermissions": creator_is_admin,
            }
        if creator_is_admin:
            principal = _caller(key_id, region)
            entry = _entries[place][principal] = _new_entry(region, place[1], principal, {})
            entry["policies"][ADMINISTRATOR] = _association(ADMINISTRATOR, {"type": "cluster"})
    return _pass_on(start_response, status, headers, _completed(answer, place))


def _describe(app, environ, start_response, place, deleted):
    status, headers, answer = _ask(app, environ)
    if status.startswith("200"):
        answer = _completed(answer, place)
        if deleted:
            with _lock:
                _entries.pop(place, None)
                _access.pop(place, None)
    return _pass_on(start_response, status, headers, answer)


def _completed(answer, place):
    body = json.loads(answer)
    cluster = body["cluster"]
    if _server and not (cluster.get("connectorConfig")):
        cluster["endpoint"] = _server["endpoint"]
        cluster["certificateAuthority"] = {"data": _server["certificate"]}
    if place in _private:
        cluster["endpoint"] = _private[place]
        cluster["resourcesVpcConfig"] |= {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    if place in _access:
        cluster["accessConfig"] = _access[place]
    return json.dumps(body).encode()


def _of_entry(app, environ, start_response, region, cluster, principal, policy):
    try:
        with _lock:
            if not any(cluster in backend.clusters for _, backend in _backends(region)):
                raise Refused(404, "ResourceNotFoundException", f"No cluster found for name: {cluster}.")
            if _access.get((region, cluster), {}).get("authenticationMode") == "CONFIG_MAP":
                message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]."
                raise Refused(400, "InvalidRequestException", message)
            answer = _entry_call(environ, region, cluster, principal, policy)
        return _json(start_response, "200 OK", answer)
    except Refused as refused:
        body = {"clusterName": cluster, "message": str(refused)}
        return _json(start_response, f"{refused.status} Refused", body, ("x-amzn-ErrorType", refused.kind))


def _entry_call(environ, region, cluster, principal, policy):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    request = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    entries = _entries.setdefault((region, cluster), {})
    if principal is None:
        if method == "GET":
            return {"accessEntries": sorted(entries)}
        principal = request["principalArn"]
        if principal in entries:
            raise Refused(409, "ResourceInUseException", "The specified access entry resource is already in use.")
        entries[principal] = _new_entry(region, cluster, principal, request)
        return {"accessEntry": _shown(entries[principal])}
    entry = entries.get(principal)
    if entry is None:
        message = f"The specified principalArn could not be found: {principal}."
        raise Refused(404, "ResourceNotFoundException", message)
    if path.endswith("/access-policies") or policy:
        return _policy_call(method, entry, policy, request)
    if method == "DELETE":
        del entries[principal]
        return {}
    if method == "POST":
        for name in ("kubernetesGroups", "username"):
            if name in request:
                entry[name] = request[name]
        entry["modifiedAt"] = time.time()
    return {"accessEntry": _shown(entry)}


def _policy_call(method, entry, policy, request):
    place = {"clusterName": entry["clusterName"], "principalArn": entry["principalArn"]}
    if method == "GET":
        return place | {"associatedAccessPolicies": list(entry["policies"].values())}
    if method == "DELETE":
        if entry["policies"].pop(policy, None) is None:
            raise Refused(404, "ResourceNotFoundException", "The specified policyArn could not be found.")
        return {}
    policy = request["policyArn"]
    if ":eks::aws:cluster-access-policy/" not in policy:
        raise Refused(400, "InvalidParameterException", "The policyArn parameter format is not valid")
    entry["policies"][policy] = _association(policy, request["accessScope"])
    return place | {"associatedAccessPolicy": entry["policies"][policy]}


def _new_entry(region, cluster, principal, request):
    if request.get("type", "STANDARD") != "STANDARD":
        raise Refused(400, "InvalidParameterException", "the emulator has entries of type STANDARD only")
    if any(group.startswith("system:") for group in request.get("kubernetesGroups", [])):
        raise Refused(400, "InvalidParameterException", "The kubernetes group name must not start with system:")
    account, kind, name = re.match(r"^arn:[^:]+:iam::(\d+):([^/]+)/(.+)$", principal).groups()
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"
    now = time.time()
    return {
        "clusterName": cluster,
        "principalArn": principal,
        "kubernetesGroups": request.get("kubernetesGroups", []),
        "accessEntryArn": f"arn:aws:eks:{region}:{account}:access-entry/{cluster}/{kind}/{account}/{name}/{uuid.uuid4()}",
        "createdAt": now,
        "modifiedAt": now,
        "tags": request.get("tags", {}),
        "username": request.get("username") or (session if kind == "role" else principal),
        "type": "STANDARD",
        "policies": {},
    }


def _association(policy, scope):
    now = time.time()
    scope = {"type": scope["type"], "namespaces": scope.get("namespaces") or []}
    return {"policyArn": policy, "accessScope": scope, "associatedAt": now, "modifiedAt": now}


def _shown(entry):
    return {name: value for name, value in entry.items() if name != "policies"}


def _ask(app, environ):
    seen = {}

    def start_response(status, headers, exc_info=None):
        seen.update(status=status, headers=headers)

    answer = app(environ, start_response)
    try:
        return seen["status"], seen["headers"], b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def _pass_on(start_response, status, headers, body):
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start_response(status, kept + [("Content-Length", str(len(body)))])
    return [body]


def _json(start_response, status, body, *more):
    data = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data))), *more])
    return [data]
