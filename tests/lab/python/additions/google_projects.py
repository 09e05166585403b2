"""Organizations of Google Cloud in which projects are made, billed, and have their APIs switched on. No emulator can be had.

Written from the API references (Resource Manager v3, Cloud Billing v1, Service Usage v1, Compute Engine v1, IAM v1, Cloud
Billing Budget API v1). Requests, queries and answers are held against Google's descriptions (`google_projects.json`).
Each call takes the permission that its reference names; a project that is not there and one that may not be seen are the
same 403. Switching Compute Engine on makes a default network with two rules, and a default service account.

A project that is being made has its id already: another call for it is refused (409), and it goes on with each look at it.

Left out: everything but the calls that are made; IAM beyond who is a member of the organization; roles; paging; etags;
moving, deleting and restoring; budgets that are spent.

Control: `{"organization": number}`, and any of (all lists replace what there was):
- `"members": [emails]`, `"without": [permissions]`: who may do what;
- `"folders": {number: [parent, state]}`, `"billing": {id: open}`;
- `"polls": n`: how often an operation goes on; `"failure": [code, message]` or `[code, message, reason]`: how the next
  operation of Resource Manager ends; `"enabling": the same` of Service Usage; `"billing_failure": [status, reason, message]`;
- `"next": [word]`: what the next calls that make a project do: `lost` (carried out, the answer is 503), `cut` (carried out,
  the connection ends without an answer), `busy` (429), `taken` (409);
- `"taken": [ids]`: ids that somebody else has; `"quota": n`: so many projects;
- `"budget": [id, units]`: somebody gives its budget another amount;
- `"stranger": n`: so often its maker is no owner yet; `"deleted": id`: it is being deleted;
- `"used": id`: its default network is in use; `"foreign": id`: it was made in another place, by us.
The answer holds projects with all they have, calls that make one (`asked`), calls by name, permissions that were asked.
"""

import io
import json
import os
import socket
import threading
import urllib.parse

from . import google

NAME = "google_projects"
PREFIX = "/_google/"
GENERAL = {"alt", "fields", "prettyPrint"}

with open(os.path.join(os.path.dirname(__file__), "google_projects.json")) as file:
    APIS = json.load(file)
HOSTS = {method["host"] for method in APIS["methods"]}
CURRENCY = "EUR"

_lock = threading.RLock()
_organizations = {}
_operations = {}
_number = [700000000000]


class Cut(Exception):
    """The call was carried out, and its connection ends without an answer."""


class Organization:
    def __init__(self, number):
        self.name = f"organizations/{number}"
        self.members, self.without, self.folders, self.billing = [], set(), {}, {}
        self.polls, self.failure, self.enabling, self.billing_failure = 0, None, None, None
        self.next, self.taken, self.quota, self.stranger, self.used = [], [], 1000, 0, None
        self.projects, self.pending, self.asked, self.calls, self.needed = {}, {}, 0, [], set()


def control(request):
    with _lock:
        number = request["organization"]
        place = _organizations.setdefault(number, Organization(number))
        for key, value in request.items():
            if key == "organization":
                continue
            if key == "deleted":
                place.projects[value]["state"] = "DELETE_REQUESTED"
            elif key == "budget":
                id, units = value
                place.projects[id]["budgets"][0]["amount"]["specifiedAmount"]["units"] = units
            elif key == "foreign":
                place.projects[value] = _made(place, {"projectId": value, "displayName": value, "parent": f"{place.name}9"})
            elif key == "without":
                place.without = set(value)
            elif key in ("members", "folders", "billing", "polls", "failure", "enabling", "billing_failure", "next", "taken", "quota", "stranger", "used"):
                setattr(place, key, value)
            else:
                raise ValueError(f"unknown: {key}")
        return {"projects": place.projects, "asked": place.asked, "calls": place.calls, "needed": sorted(place.needed)}


def wrap(app):
    def answer(environ, start_response):
        raw = environ["RAW_URI"].partition("?")[0]
        host, _, path = raw.removeprefix(PREFIX).partition("/")
        if not raw.startswith(PREFIX) or host not in HOSTS:
            return app(environ, start_response)
        try:
            found = _answered(environ, host, f"/{path}")
            if found is None:
                return app(environ, start_response)
            status, data = "200 OK", json.dumps(found)
        except google.Refused as refused:
            status, data = refused.status, json.dumps(refused.body)
        except Cut:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            environ["lab.cut"] = True
            status, data = "200 OK", ""
        except Exception as error:  # a mistake of the stand-in's own
            status, data = "501 Drifted", json.dumps({"error": {"code": 501, "status": "UNIMPLEMENTED", "message": f"the stand-in drifted: {error!r}"}})
        data = data.encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    return answer


def _answered(environ, host, path):
    verb = environ["REQUEST_METHOD"]
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    method, names = next(((m, n) for m in APIS["methods"] if (m["host"], m["verb"]) == (host, verb) and (n := google._names(m["path"], path))), (None, None))
    if method is None:
        return None
    short = f"{host.partition('.')[0]}.{method['name']}"
    with _lock:
        text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) if verb in ("POST", "PUT", "PATCH") else b""
        request = json.loads(text or b"{}")
        place = _place(short, names, request, query)
        if place is None:
            environ["wsgi.input"] = io.BytesIO(text)
            return None
        unknown = set(query) - set(method["query"]) - GENERAL
        wrong = f"unknown parameters: {sorted(unknown)}" if unknown else method["request"] and _misfit(request, method["request"], "request")
        if wrong:
            raise google._error(400, "INVALID_ARGUMENT", wrong)
        caller = google._caller(environ)
        place.calls.append(short)
        body = METHODS[short](place, caller, request, query, *names)
        wrong = _misfit(body, method["response"], "answer")
        assert not wrong, wrong
        return body


def _misfit(value, name, at):
    return google._misfit(value, {"$ref": name}, at, APIS["schemas"])


def _place(short, names, request, query):
    """The organization that a call is about; none: it is about nothing of ours."""
    if "operations.get" in short:
        return _operations.get(names[0], (None,))[0]
    if "lobalOperations" in short:
        return _of_project(names[0])
    if short.endswith("projects.create"):
        return _in(request.get("parent", ""))
    if "liens" in short:
        return _of_number((query.get("parent") or [request.get("parent", "")])[0].rpartition("/")[2])
    if ".organizations." in short:
        return _organizations.get(names[0])
    if ".folders." in short:
        return _in(f"folders/{names[0]}")
    if "illingAccounts." in short or "budgets" in short:
        return next((o for o in _organizations.values() if names[0] in o.billing), None)
    return _of_project(names[1] if short.startswith("serviceusage") else names[0])


def _in(parent):
    kind, _, number = parent.partition("/")
    if kind == "organizations":
        return _organizations.get(number)
    return next((o for o in _organizations.values() if number in o.folders), None)


def _of_project(id):
    return next((o for o in _organizations.values() if id in o.projects or id in o.pending), None)


def _of_number(number):
    return next((o for o in _organizations.values() for p in o.projects.values() if p["number"] == number), None)


def _may(place, caller, permission, project=None):
    place.needed.add(permission)
    strange = project is not None and place.stranger > 0
    if strange:
        place.stranger -= 1
    if caller not in place.members or permission in place.without or strange:
        raise google._error(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource (or it may not exist).", permission)


def _tested(place, caller, request, *_):
    has = [p for p in request.get("permissions", []) if caller in place.members and p not in place.without]
    place.needed.update(request.get("permissions", []))
    return {"permissions": has} if has else {}


def _made(place, request):
    _number[0] += 1
    return {
        "number": str(_number[0]), "id": request["projectId"], "name": request["displayName"], "parent": request["parent"], "state": "ACTIVE",
        "labels": request.get("labels", {}), "billed_to": None, "apis": [], "network": [], "account": None, "liens": [], "budgets": [],
    }


def _shown(project):
    shown = {"name": f"projects/{project['number']}", "projectId": project["id"], "displayName": project["name"], "parent": project["parent"], "state": project["state"]}
    return {**shown, "labels": project["labels"]} if project["labels"] else shown


def _operation(place, what, failure, name):
    _number[0] += 1
    name = f"{name}.{_number[0]}"
    _operations[name] = (place, {"polls": place.polls, "what": what, "failure": failure, "ended": None})
    return _progress(name, 0)


def _progress(name, looks=1):
    """An operation, looked at so often; what it is for is done when it ends."""
    place, operation = _operations[name]
    operation["polls"] -= looks
    answer = {"name": f"operations/{name}", "done": operation["polls"] < (0 if looks else 1) or operation["ended"] is not None}
    if not answer["done"]:
        return {"name": f"operations/{name}", "done": False}
    if operation["failure"]:
        code, message, *reason = operation["failure"]
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": r, "domain": "googleapis.com"} for r in reason]
        return {**answer, "error": {"code": code, "message": message, **({"details": details} if details else {})}}
    if operation["ended"] is None:
        operation["ended"] = operation["what"]() or {}
    return {**answer, "response": {"@type": "type.googleapis.com/lab", **operation["ended"]}}


def _parent(place, caller, request, query, number):
    kind = "folders" if number in place.folders else "organizations"
    _may(place, caller, f"resourcemanager.{kind}.get")
    if kind == "organizations":
        return {"name": place.name, "displayName": "acme.example", "state": "ACTIVE", "directoryCustomerId": "C0lab"}
    parent, state = place.folders[number]
    return {"name": f"folders/{number}", "displayName": f"Folder {number}", "state": state, "parent": parent}


def _create(place, caller, request, query, *_):
    word = place.next.pop(0) if place.next else None
    if word == "busy":
        raise _reasoned(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "Quota exceeded for quota metric 'Project mutations'.")
    place.asked += 1
    _may(place, caller, "resourcemanager.projects.create")
    id = request["projectId"]
    if word == "taken" or _of_project(id):
        raise google._error(409, "ALREADY_EXISTS", "Requested entity already exists")
    failure, place.failure = place.failure, None
    if id in place.taken:
        failure = [6, "Requested entity already exists"]
    if len(place.projects) >= place.quota:
        failure = [8, "The project cannot be created because you have exceeded your allotted project quota."]

    def make():
        place.pending.pop(id, None)
        place.projects[id] = _made(place, request)
        return _shown(place.projects[id])

    operation = _operation(place, make, failure, "cp")
    if failure is None and id not in place.projects:
        place.pending[id] = operation["name"].removeprefix("operations/")
    if word == "lost":
        raise google._error(503, "UNAVAILABLE", "The service is currently unavailable.")
    if word == "cut":
        raise Cut
    return operation


def _reasoned(code, status, reason, message):
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return google.Refused(f"{code} X", {"error": {"code": code, "status": status, "message": message, "details": [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]}})


def _get(place, caller, request, query, id):
    if id in place.pending:
        _progress(place.pending[id])
    if id in place.pending:
        raise google._error(403, "PERMISSION_DENIED", "The caller does not have permission")
    _may(place, caller, "resourcemanager.projects.get", id)
    return _shown(place.projects[id])


def _patch(place, caller, request, query, id):
    _may(place, caller, "resourcemanager.projects.update")
    place.projects[id]["labels"] = request["labels"]
    return _operation(place, lambda: _shown(place.projects[id]), None, "pu")


def _account(place, caller, request, query, id):
    _may(place, caller, "billing.accounts.get")
    return {"name": f"billingAccounts/{id}", "open": place.billing[id], "displayName": "Lab", "currencyCode": CURRENCY}


def _billing(place, caller, request, query, id):
    _may(place, caller, "resourcemanager.projects.get")
    account = place.projects[id]["billed_to"]
    shown = {"name": f"projects/{id}/billingInfo", "projectId": id, "billingEnabled": account is not None}
    return {**shown, "billingAccountName": f"billingAccounts/{account}"} if account else shown


def _bill(place, caller, request, query, id):
    _may(place, caller, "resourcemanager.projects.createBillingAssignment", id)
    _may(place, caller, "billing.resourceAssociations.create")
    if place.billing_failure:
        (status, reason, message), place.billing_failure = place.billing_failure, None
        raise google._error(status, reason, message)
    place.projects[id]["billed_to"] = request["billingAccountName"].removeprefix("billingAccounts/")
    return _billing(place, caller, request, query, id)


def _services(place, caller, request, query, _, id):
    _may(place, caller, "serviceusage.services.get")
    if len(query["names"]) > 30:
        raise google._error(400, "INVALID_ARGUMENT", "too many names")
    on = place.projects[id]["apis"]
    number = place.projects[id]["number"]
    return {"services": [{"name": f"projects/{number}/services/{n.rpartition('/')[2]}", "parent": f"projects/{number}", "state": "ENABLED" if n.rpartition("/")[2] in on else "DISABLED"} for n in query["names"]]}


def _enable(place, caller, request, query, _, id):
    _may(place, caller, "serviceusage.services.enable")
    if len(request["serviceIds"]) > 20:
        raise google._error(400, "INVALID_ARGUMENT", "Too many services in the request.")
    project = place.projects[id]

    def switch():
        project["apis"] = sorted({*project["apis"], *request["serviceIds"]})
        if "compute.googleapis.com" in project["apis"] and project["account"] is None:
            project["account"] = "on"
            project["network"] = ["default", "default-allow-icmp", "default-allow-internal"]

    failure, place.enabling = place.enabling, None
    if project["billed_to"] is None:
        failure = [9, "Billing must be enabled for activation of service.", "UREQ_PROJECT_BILLING_NOT_FOUND"]
    return _operation(place, switch, failure, "acat")


def _liens(place, caller, request, query, *_):
    _may(place, caller, "resourcemanager.projects.get")
    project = next(p for p in place.projects.values() if p["number"] == query["parent"][0].rpartition("/")[2])
    return {"liens": project["liens"]} if project["liens"] else {}


def _lien(place, caller, request, query, *_):
    _may(place, caller, "resourcemanager.projects.updateLiens")
    project = next(p for p in place.projects.values() if p["number"] == request["parent"].rpartition("/")[2])
    project["liens"].append({"name": f"liens/p{project['number']}-l1", **request})
    return project["liens"][-1]


def _budgets(place, caller, request, query, account):
    _may(place, caller, "billing.budgets.list")
    found = [b for p in place.projects.values() for b in p["budgets"] if query["scope"][0] in b["budgetFilter"]["projects"]]
    return {"budgets": found} if found else {}


def _budget(place, caller, request, query, account):
    _may(place, caller, "billing.budgets.create")
    number = request["budgetFilter"]["projects"][0].rpartition("/")[2]
    project = next(p for p in place.projects.values() if p["number"] == number)
    project["budgets"].append({"name": f"billingAccounts/{account}/budgets/{number}", **request})
    return project["budgets"][-1]


def _amend(place, caller, request, query, account, id):
    _may(place, caller, "billing.budgets.update")
    if query.get("updateMask") != ["amount"]:
        raise google._error(400, "INVALID_ARGUMENT", "the stand-in changes the amount alone")
    budget = next((b for p in place.projects.values() for b in p["budgets"] if b["name"] == f"billingAccounts/{account}/budgets/{id}"), None)
    if budget is None:
        raise google._error(404, "NOT_FOUND", "Requested entity was not found.")
    if request["amount"]["specifiedAmount"]["currencyCode"] != CURRENCY:
        raise google._error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    budget["amount"] = request["amount"]
    return budget


def _computing(place, id):
    if "compute.googleapis.com" not in place.projects[id]["apis"]:
        raise _reasoned(403, "PERMISSION_DENIED", "SERVICE_DISABLED", "Compute Engine API has not been used in project before or it is disabled.")
    return place.projects[id]


def _absent(what):
    return google._error(404, "NOT_FOUND", f"The resource '{what}' was not found")


def _link(id, what):
    return f"https://www.googleapis.com/compute/v1/projects/{id}/global/{what}"


def _network(place, caller, request, query, id, name):
    project = _computing(place, id)
    _may(place, caller, "compute.networks.get")
    if name not in project["network"]:
        raise _absent(f"projects/{id}/global/networks/{name}")
    return {"kind": "compute#network", "name": name, "selfLink": _link(id, f"networks/{name}"), "autoCreateSubnetworks": True}


def _firewalls(place, caller, request, query, id, *_):
    project = _computing(place, id)
    _may(place, caller, "compute.firewalls.list")
    rules = [n for n in project["network"] if n != "default"]
    return {"kind": "compute#firewallList", "items": [{"name": n, "network": _link(id, "networks/default")} for n in rules]}


def _delete(permission):
    def delete(place, caller, request, query, id, name):
        project = _computing(place, id)
        _may(place, caller, permission)
        if name not in project["network"]:
            raise _absent(f"projects/{id}/global/{name}")
        operation = {"kind": "compute#operation", "name": f"operation-{name}", "status": "DONE", "operationType": "delete", "progress": 100}
        if name == "default" and (place.used == id or len(project["network"]) > 1):
            return {**operation, "error": {"errors": [{"code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "message": "The network resource 'default' is already being used"}]}}
        if permission.endswith("networks.delete") and place.polls:
            operation = {**operation, "status": "RUNNING", "progress": 0}
        project["network"].remove(name)
        return operation

    return delete


def _deleted(place, caller, request, query, id, name):
    return {"kind": "compute#operation", "name": name, "status": "DONE", "operationType": "delete", "progress": 100}


def _service_account(place, caller, request, query, id, email):
    _may(place, caller, "iam.serviceAccounts.get")
    project = place.projects[id]
    if project["account"] is None:
        raise _absent(email)
    return {"name": f"projects/{id}/serviceAccounts/{email}", "email": email, "projectId": id, "disabled": project["account"] == "off"}


def _disable(place, caller, request, query, id, email):
    _may(place, caller, "iam.serviceAccounts.disable")
    place.projects[id]["account"] = "off"
    return {}


METHODS = {
    "cloudresourcemanager.organizations.get": _parent,
    "cloudresourcemanager.folders.get": _parent,
    "cloudresourcemanager.organizations.testIamPermissions": _tested,
    "cloudresourcemanager.folders.testIamPermissions": _tested,
    "cloudresourcemanager.projects.testIamPermissions": _tested,
    "cloudresourcemanager.projects.create": _create,
    "cloudresourcemanager.projects.get": _get,
    "cloudresourcemanager.projects.patch": _patch,
    "cloudresourcemanager.operations.get": lambda place, caller, request, query, name: _progress(name),
    "cloudresourcemanager.liens.list": _liens,
    "cloudresourcemanager.liens.create": _lien,
    "cloudbilling.billingAccounts.get": _account,
    "cloudbilling.billingAccounts.testIamPermissions": _tested,
    "cloudbilling.projects.getBillingInfo": _billing,
    "cloudbilling.projects.updateBillingInfo": _bill,
    "serviceusage.services.batchGet": _services,
    "serviceusage.services.batchEnable": _enable,
    "serviceusage.operations.get": lambda place, caller, request, query, name: _progress(name),
    "compute.networks.get": _network,
    "compute.networks.delete": _delete("compute.networks.delete"),
    "compute.firewalls.list": _firewalls,
    "compute.firewalls.delete": _delete("compute.firewalls.delete"),
    "compute.globalOperations.get": _deleted,
    "iam.projects.serviceAccounts.get": _service_account,
    "iam.projects.serviceAccounts.disable": _disable,
    "billingbudgets.billingAccounts.budgets.create": _budget,
    "billingbudgets.billingAccounts.budgets.list": _budgets,
    "billingbudgets.billingAccounts.budgets.patch": _amend,
}
