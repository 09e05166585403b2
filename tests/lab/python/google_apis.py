"""Takes what the stand-ins for Google need out of Google's own descriptions of its APIs ("discovery documents").

They lie in the Go module `google.golang.org/api`. Arguments: the module's zip, its version, a part: `clusters`, `storage` or
`projects`. Prints what `additions/google.json`, `google_storage.json` or `google_projects.json` holds: methods with their
parameters, and names, types, formats and enumerations of the fields of everything that they take and answer, to the last
schema; no descriptions. Names of schemas stand behind the host of their API. To move the pin:
`go mod download -json google.golang.org/api@VERSION` names the zip; the lane `fixtures` makes all of it anew and compares.
"""

import json
import re
import sys
import zipfile

# API, file in the module, methods (by the end of their path in the description).
CLUSTERS = [
    ("container.googleapis.com", "container/v1/container-api.json", ["clusters.get", "clusters.list", "operations.get", "operations.list"]),
    ("iamcredentials.googleapis.com", "iamcredentials/v1/iamcredentials-api.json", ["serviceAccounts.generateAccessToken"]),
    ("sts.googleapis.com", "sts/v1/sts-api.json", ["v1.token"]),
    ("cloudresourcemanager.googleapis.com", "cloudresourcemanager/v3/cloudresourcemanager-api.json", ["projects.get", "projects.testIamPermissions"]),
    ("secretmanager.googleapis.com", "secretmanager/v1/secretmanager-api.json", ["projects.secrets.versions.access"]),
    ("www.googleapis.com", "oauth2/v2/oauth2-api.json", ["tokeninfo", "userinfo.get"]),
]

STORAGE = [
    (
        "storage.googleapis.com",
        "storage/v1/storage-api.json",
        ["buckets.get", "buckets.insert", "buckets.patch", "buckets.testIamPermissions", "objects.get", "objects.list", "objects.delete"],
    ),
    ("cloudresourcemanager.googleapis.com", "cloudresourcemanager/v3/cloudresourcemanager-api.json", ["projects.testIamPermissions"]),
]

PROJECTS = [
    (
        "cloudresourcemanager.googleapis.com",
        "cloudresourcemanager/v3/cloudresourcemanager-api.json",
        ["projects.create", "projects.get", "projects.patch", "projects.testIamPermissions", "operations.get", "liens.create"]
        + ["liens.list", "organizations.get", "organizations.testIamPermissions", "folders.get", "folders.testIamPermissions"],
    ),
    (
        "cloudbilling.googleapis.com",
        "cloudbilling/v1/cloudbilling-api.json",
        ["billingAccounts.get", "billingAccounts.testIamPermissions", "projects.getBillingInfo", "projects.updateBillingInfo"],
    ),
    ("serviceusage.googleapis.com", "serviceusage/v1/serviceusage-api.json", ["services.batchEnable", "services.batchGet", "operations.get"]),
    (
        "compute.googleapis.com",
        "compute/v1/compute-api.json",
        ["networks.get", "networks.delete", "firewalls.list", "firewalls.delete", "globalOperations.get"],
    ),
    ("iam.googleapis.com", "iam/v1/iam-api.json", ["serviceAccounts.get", "serviceAccounts.disable"]),
    ("billingbudgets.googleapis.com", "billingbudgets/v1/billingbudgets-api.json", ["budgets.create", "budgets.list", "budgets.patch"]),
]

PARTS = {"clusters": CLUSTERS, "storage": STORAGE, "projects": PROJECTS}


def methods(node, path=""):
    for name, method in node.get("methods", {}).items():
        yield f"{path}.{name}", method
    for name, child in node.get("resources", {}).items():
        yield from methods(child, f"{path}.{name}")


def shape(rule, host):
    if "$ref" in rule:
        return {"$ref": f"{host}/{rule['$ref']}"}
    out = {key: rule[key] for key in ("type", "enum", "format", "repeated") if key in rule}
    for key in ("items", "additionalProperties"):
        if key in rule:
            out[key] = shape(rule[key], host)
    if "properties" in rule:
        out["properties"] = {name: shape(inner, host) for name, inner in rule["properties"].items()}
    return out


def named(rule):
    """Every schema that a rule names."""
    if isinstance(rule, list):
        return {name for inner in rule for name in named(inner)}
    if not isinstance(rule, dict):
        return set()
    return {rule["$ref"]} if isinstance(rule.get("$ref"), str) else named(list(rule.values()))


def main():
    archive, version, part = zipfile.ZipFile(sys.argv[1]), *sys.argv[2:]
    out = {"module": f"google.golang.org/api@{version}", "general": {}, "revisions": {}, "methods": [], "schemas": {}}
    for host, file, wanted in PARTS[part]:
        document = json.loads(archive.read(f"google.golang.org/api@{version}/{file}"))
        out["revisions"][host] = document["revision"]
        out["general"][host] = sorted(document["parameters"])
        kept = set()
        for name, method in methods(document):
            older = ".zones." in name or ".aggregated." in name
            if older or not any(name.endswith(f".{w}") for w in wanted):
                continue
            path = re.sub(r"\{[^}]+\}", "{}", method.get("flatPath", method["path"]))
            request, response = (f"{host}/{method[k]['$ref']}" if k in method else None for k in ("request", "response"))
            query = {n: shape(p, host) for n, p in method.get("parameters", {}).items() if p["location"] == "query"}
            out["methods"].append({
                "host": host, "verb": method["httpMethod"], "path": f"/{document['servicePath']}{path}", "name": name.lstrip("."),
                "request": request, "response": response, "query": query,
            })
            kept |= {name for name in (request, response) if name}
        while kept:
            name = kept.pop()
            if name not in out["schemas"]:
                out["schemas"][name] = shape(document["schemas"][name.partition("/")[2]], host)
                kept |= named(out["schemas"][name])
    json.dump(out, sys.stdout, indent=1, sort_keys=True)
    print()


main()
