"""Organizations whose accounts take time to be made, can fail, and have one address each.

Written from the API reference of AWS Organizations; nothing here was recorded.

What AWS does: CreateAccount answers at once with a request that is IN_PROGRESS; DescribeCreateAccountStatus tells later
that it SUCCEEDED, with the account's id, or FAILED, with a reason. An address belongs to one account of all of AWS: a
second request with it ends as FAILED, EMAIL_ALREADY_EXISTS. The new account's role takes a while until it can be assumed.
Only the management account changes an organization; it and delegated administrators look at it, other members get
AccessDeniedException. MoveAccount refuses a source that the account is not in, and a destination that it is in already.

moto: the account is there at once, an address counts for nothing, members get empty lists, moves are not checked. In an
organization that a test has not named here moto is left alone.

`POST /_lab/organizations` with `{"account": ID}` names the organization of this management account, makes it when there is
none, with an OU, and answers `{organization, root, unit, asked, accounts, calls}`: how many CreateAccount were carried out,
and the accounts by address. Further keys set what happens from then on:
- `"polls": N`: a request is IN_PROGRESS for N looks at it;
- `"failure": REASON`: the next account fails with this reason after those looks;
- `"next": [CODE, …]`: the next CreateAccount calls are answered with these errors; `lost` carries the call out and loses its
  answer, `dropped` does neither;
- `"busy_moves": N`: the next N MoveAccount are answered ConcurrentModificationException;
- `"quota": N`: CreateAccount is refused, ConstraintViolationException, once there are N accounts;
- `"assumable_after": N`: a new account's role is refused N times;
- `"made": true`: requests that go on have ended;
- `"older": S`: every account joined S seconds earlier than it did;
- `"delegated": ID`: this account becomes a delegated administrator.

Left out: closing, inviting, leaving, handshakes, policies; the time that a change takes until it is seen everywhere.
"""

import datetime
import io
import json
import re
import threading
import time
from urllib.parse import parse_qs

NAME = "organizations"

TARGET = "AWSOrganizationsV20161128."
MANAGED = ("CreateAccount", "MoveAccount")
# What is answered here and not by moto, which would hold it against IAM where that is enforced.
ANSWERED = ("CreateAccount", "DescribeCreateAccountStatus", "ListCreateAccountStatus", "ListAccounts")

_guard = threading.RLock()
_known = {}


def control(request):
    account = str(request["account"])
    with _guard:
        known = _known.get(account) or _found(account)
        for key in ("polls", "failure", "quota", "busy_moves", "assumable_after"):
            if key in request:
                known[key] = request[key]
        known["next"].extend(request.get("next", []))
        if "delegated" in request:
            known["delegated"].add(request["delegated"])
        backend = _backend(account)
        for waiting in known["requests"].values() if request.get("made") else ():
            waiting["polls"] = 0
        for member in backend.accounts if "older" in request else ():
            member.create_time -= datetime.timedelta(seconds=request["older"])
        there = {a.email: a.id for a in backend.accounts if _made(known, a)}
        return {
            "organization": backend.org.id,
            "root": backend.org.root_id,
            "unit": known["unit"],
            "asked": known["asked"],
            "accounts": there,
            "parents": {a.email: a.parent_id for a in backend.accounts},
            "tags": {a.email: dict(a.tags) for a in backend.accounts},
        }


def wrap(app):
    def layered(environ, start_response):
        action = environ.get("HTTP_X_AMZ_TARGET", "")
        if action.startswith(TARGET):
            answer = _organizations(app, environ, action.removeprefix(TARGET))
        elif "/sts/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            answer = _role(environ)
        else:
            answer = None
        if answer is None:
            return app(environ, start_response)
        status, content, body = answer
        start_response(status, [("Content-Type", content), ("Content-Length", str(len(body)))])
        return [body]

    return layered


def _backend(account):
    from moto.organizations.models import organizations_backends

    return organizations_backends[account]["aws"]


def _found(account):
    """An organization that is watched from now on."""
    backend = _backend(account)
    if backend.org is None:
        backend.create_organization(region="us-east-1", FeatureSet="ALL")
    unit = backend.create_organizational_unit(ParentId=backend.org.root_id, Name="Workloads")
    known = {
        "unit": unit["OrganizationalUnit"]["Id"],
        "asked": 0,
        "polls": 0,
        "failure": None,
        "quota": None,
        "busy_moves": 0,
        "assumable_after": 0,
        "next": [],
        "delegated": set(),
        "requests": {},
        "refused": {},
    }
    _known[account] = known
    return known


def _made(known, account):
    request = known["requests"].get(account.create_account_status_id)
    return request is None or (request["polls"] <= 0 and request["failure"] is None)


def _asked(environ):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _caller(environ):
    """The account of the request's access key, as moto knows it."""
    from moto.iam.models import get_account_id_from

    key = re.search(r"Credential=([^/,]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return get_account_id_from(key.group(1)) if key else None


def _organizations(app, environ, action):
    """The answer where moto's is not AWS's."""
    caller = _caller(environ)
    with _guard:
        known = _known.get(caller)
        if known is None:
            return _member(app, environ, action, caller)
        body = _asked(environ)
        if action in ANSWERED and not _permitted(environ, caller, action, body):
            return _error("AccessDeniedException", f"not authorized to perform: organizations:{action}")
        request, backend = json.loads(body or b"{}"), _backend(caller)
        if action == "CreateAccount":
            return _create(known, backend, request)
        if action == "MoveAccount":
            return _move(known, backend, request)
        if action == "DescribeCreateAccountStatus":
            return _describe(known, backend, request["CreateAccountRequestId"])
        if action == "ListCreateAccountStatus":
            requests = [_status(known, a)["CreateAccountStatus"] for a in backend.accounts if a.id != caller]
            wanted = request.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
            return _ok(action, {"CreateAccountStatuses": [r for r in requests if r["State"] in wanted]})
        if action == "ListAccounts":
            return _ok(action, {"Accounts": [a.describe() for a in backend.accounts if _made(known, a)]})
    return None


def _permitted(environ, account, action, body):
    """Whether IAM lets the caller, where moto enforces it."""
    from moto import settings
    from moto.core.exceptions import AccessDeniedError
    from moto.iam.access_control import IAMRequest

    if settings.INITIAL_NO_AUTH_ACTION_COUNT != 0:
        return True
    headers = {"Authorization": environ["HTTP_AUTHORIZATION"]}
    if "HTTP_X_AMZ_SECURITY_TOKEN" in environ:
        headers["X-Amz-Security-Token"] = environ["HTTP_X_AMZ_SECURITY_TOKEN"]
    try:
        IAMRequest(account, "POST", "/", {}, body, headers, action).check_action_permitted("*")
        return True
    except AccessDeniedError:
        return False


def _member(app, environ, action, caller):
    """A member of a watched organization: as a delegated administrator it looks, else it may ask for little."""
    owner = next((o for o, known in _known.items() if any(a.id == caller for a in _backend(o).accounts)), None)
    if owner is None or action == "DescribeOrganization":
        return None
    known, backend = _known[owner], _backend(owner)
    if action in MANAGED or caller not in known["delegated"]:
        return _error("AccessDeniedException", "You don't have permissions to access this resource.")
    if action == "ListRoots":
        return _ok(action, backend.list_roots())
    if action == "ListAccounts":
        return _ok(action, {"Accounts": [a.describe() for a in backend.accounts if _made(known, a)]})
    if action == "ListCreateAccountStatus":
        return _ok(action, {"CreateAccountStatuses": []})
    if action == "DescribeOrganizationalUnit":
        unit = json.loads(_asked(environ))["OrganizationalUnitId"]
        return _ok(action, backend.describe_organizational_unit(OrganizationalUnitId=unit))
    return None


def _create(known, backend, request):
    scripted = known["next"].pop(0) if known["next"] else None
    if scripted not in (None, "lost"):
        return _lost() if scripted == "dropped" else _error(scripted, "asked for")
    if known["quota"] is not None and len(backend.accounts) >= known["quota"]:
        more = {"Reason": "ACCOUNT_NUMBER_LIMIT_EXCEEDED"}
        return _error("ConstraintViolationException", "You have exceeded the allowed number of accounts.", more)
    taken = {a.email.lower() for owner in _known for a in _backend(owner).accounts if _living(owner, a)}
    failure, known["failure"] = known["failure"], None
    if request["Email"].lower() in taken:
        failure = "EMAIL_ALREADY_EXISTS"
    known["asked"] += 1
    answer = backend.create_account(**request)["CreateAccountStatus"]
    known["requests"][answer["Id"]] = {"polls": known["polls"], "failure": failure}
    if scripted == "lost":
        return _lost()
    account = backend.get_account_by_attr("create_account_status_id", answer["Id"])
    return _ok("CreateAccount", _status(known, account, first=True))


def _living(owner, account):
    request = _known[owner]["requests"].get(account.create_account_status_id)
    return request is None or request["failure"] is None


def _describe(known, backend, wanted):
    account = next((a for a in backend.accounts if a.create_account_status_id == wanted), None)
    if account is None:
        return _error("CreateAccountStatusNotFoundException", "You specified a request that doesn't exist.")
    answer = _ok("DescribeCreateAccountStatus", _status(known, account))
    if wanted in known["requests"]:
        known["requests"][wanted]["polls"] -= 1
    return answer


def _status(known, account, first=False):
    status = {
        "Id": account.create_account_status_id,
        "AccountName": account.name,
        "RequestedTimestamp": account.create_time.timestamp(),
    }
    request = known["requests"].get(status["Id"], {"polls": 0, "failure": None})
    if first or request["polls"] > 0:
        status["State"] = "IN_PROGRESS"
        return {"CreateAccountStatus": status}
    status["CompletedTimestamp"] = time.time()
    if request["failure"]:
        status |= {"State": "FAILED", "FailureReason": request["failure"]}
    else:
        status |= {"State": "SUCCEEDED", "AccountId": account.id}
    return {"CreateAccountStatus": status}


def _move(known, backend, request):
    if known["busy_moves"] > 0:
        known["busy_moves"] -= 1
        return _error("ConcurrentModificationException", "The target of the operation is currently being modified.")
    account = next((a for a in backend.accounts if a.id == request["AccountId"] and _made(known, a)), None)
    if account is None:
        return _error("AccountNotFoundException", "You specified an account that doesn't exist.")
    if account.parent_id != request["SourceParentId"]:
        return _error("SourceParentNotFoundException", "You specified a source the account is not in.")
    if account.parent_id == request["DestinationParentId"]:
        return _error("DuplicateAccountException", "That account is already present in the specified destination.")
    return None


def _role(environ):
    """The refusal of a new account's role that is not there yet."""
    form = {name: values[0] for name, values in parse_qs(_asked(environ).decode()).items()}
    match = re.fullmatch(r"arn:aws:iam::(\d{12}):role/.+", form.get("RoleArn", ""))
    if form.get("Action") != "AssumeRole" or match is None:
        return None
    with _guard:
        for owner, known in _known.items():
            if match.group(1) == owner or not any(a.id == match.group(1) for a in _backend(owner).accounts):
                continue
            times = known["refused"].get(match.group(1), 0)
            if times >= known["assumable_after"]:
                return None
            known["refused"][match.group(1)] = times + 1
            error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error>"
            xml = f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}<RequestId>lab</RequestId></ErrorResponse>'
            return "403 Forbidden", "text/xml", xml.encode()
    return None


def _ok(action, answer):
    answer = {name: value for name, value in answer.items() if value is not None}
    return "200 OK", "application/x-amz-json-1.1", json.dumps(answer).encode()


def _error(code, message, more=None):
    answer = {"Message": message, **(more or {})}
    return "400 Bad Request", "application/x-amz-json-1.1", json.dumps({"__type": code, **answer}).encode()


def _lost():
    """What a client sees of an answer that is lost behind a proxy."""
    return "502 Bad Gateway", "text/html", b"<html>bad gateway</html>"
