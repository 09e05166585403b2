"""Takes what the stand-in for Google needs out of Google's own descriptions of its APIs ("discovery documents").

They lie in the Go module `google.golang.org/api`. Arguments: the module's zip, its version; with `storage` or `projects`
as a third, that part. Prints what `additions/google.json`, `google_storage.json` or `google_projects.json` holds: paths,
and the names, types and enumerations of the fields; no descriptions. Names of schemas are an API's own: in these two
parts they stand behind its host, and methods have their parameters. To move the pin:
`go mod download -json google.golang.org/api@VERSION` names the zip.
"""

import json
import re
import sys
import zipfile

# API, file in the module, methods (by their path in the description), schemas that are kept whole.
APIS = [
    (
        "container.googleapis.com",
        "container/v1/container-api.json",
        ["clusters.get", "clusters.list", "operations.get", "operations.list"],
        ["Cluster", "MasterAuth", "Autopilot", "PrivateClusterConfig", "ControlPlaneEndpointsConfig"]
        + ["DNSEndpointConfig", "IPEndpointsConfig", "ListClustersResponse", "ListOperationsResponse", "Operation"]
        + ["OperationProgress", "Metric", "Status"],
    ),
    (
        "iamcredentials.googleapis.com",
        "iamcredentials/v1/iamcredentials-api.json",
        ["serviceAccounts.generateAccessToken"],
        ["GenerateAccessTokenRequest", "GenerateAccessTokenResponse"],
    ),
    (
        "sts.googleapis.com",
        "sts/v1/sts-api.json",
        ["v1.token"],
        ["GoogleIdentityStsV1ExchangeTokenRequest", "GoogleIdentityStsV1ExchangeTokenResponse"],
    ),
    ("cloudresourcemanager.googleapis.com", "cloudresourcemanager/v3/cloudresourcemanager-api.json", ["projects.get", "projects.testIamPermissions"], ["Project", "TestIamPermissionsRequest", "TestIamPermissionsResponse"]),
    (
        "secretmanager.googleapis.com",
        "secretmanager/v1/secretmanager-api.json",
        ["projects.secrets.versions.access"],
        ["AccessSecretVersionResponse", "SecretPayload"],
    ),
    ("www.googleapis.com", "oauth2/v2/oauth2-api.json", [".tokeninfo", "userinfo.get"], ["Tokeninfo", "Userinfo"]),
]

STORAGE = [
    (
        "storage.googleapis.com",
        "storage/v1/storage-api.json",
        ["buckets.get", "buckets.insert", "buckets.patch", "buckets.testIamPermissions", "objects.get", "objects.list", "objects.delete"],
        ["Bucket", "Object", "Objects", "TestIamPermissionsResponse"],
    ),
    (
        "cloudresourcemanager.googleapis.com",
        "cloudresourcemanager/v3/cloudresourcemanager-api.json",
        ["projects.testIamPermissions"],
        ["TestIamPermissionsRequest", "TestIamPermissionsResponse"],
    ),
]

PROJECTS = [
    (
        "cloudresourcemanager.googleapis.com",
        "cloudresourcemanager/v3/cloudresourcemanager-api.json",
        ["projects.create", "projects.get", "projects.patch", "projects.testIamPermissions", "operations.get", "liens.create", "liens.list"]
        + ["organizations.get", "organizations.testIamPermissions", "folders.get", "folders.testIamPermissions"],
        ["Project", "Organization", "Folder", "Lien", "ListLiensResponse", "Operation", "Status"]
        + ["TestIamPermissionsRequest", "TestIamPermissionsResponse"],
    ),
    (
        "cloudbilling.googleapis.com",
        "cloudbilling/v1/cloudbilling-api.json",
        ["billingAccounts.get", "billingAccounts.testIamPermissions", "projects.getBillingInfo", "projects.updateBillingInfo"],
        ["BillingAccount", "ProjectBillingInfo", "TestIamPermissionsRequest", "TestIamPermissionsResponse"],
    ),
    (
        "serviceusage.googleapis.com",
        "serviceusage/v1/serviceusage-api.json",
        ["services.batchEnable", "services.batchGet", "operations.get"],
        ["BatchEnableServicesRequest", "BatchGetServicesResponse", "GoogleApiServiceusageV1Service", "Operation", "Status"],
    ),
    (
        "compute.googleapis.com",
        "compute/v1/compute-api.json",
        ["networks.get", "networks.delete", "firewalls.list", "firewalls.delete", "globalOperations.get"],
        ["Network", "Firewall", "FirewallList", "Operation"],
    ),
    ("iam.googleapis.com", "iam/v1/iam-api.json", ["serviceAccounts.get", "serviceAccounts.disable"], ["ServiceAccount", "DisableServiceAccountRequest", "Empty"]),
    (
        "billingbudgets.googleapis.com",
        "billingbudgets/v1/billingbudgets-api.json",
        ["budgets.create", "budgets.list", "budgets.patch"],
        ["GoogleCloudBillingBudgetsV1Budget", "GoogleCloudBillingBudgetsV1BudgetAmount", "GoogleCloudBillingBudgetsV1Filter"]
        + ["GoogleCloudBillingBudgetsV1ListBudgetsResponse", "GoogleCloudBillingBudgetsV1ThresholdRule", "GoogleTypeMoney"],
    ),
]
PARTS = {"storage": STORAGE, "projects": PROJECTS}


def methods(node, path=""):
    for name, method in node.get("methods", {}).items():
        yield f"{path}.{name}", method
    for name, child in node.get("resources", {}).items():
        yield from methods(child, f"{path}.{name}")


def shape(rule, kept):
    if "$ref" in rule:
        return {"$ref": rule["$ref"]} if rule["$ref"] in kept else {}
    out = {key: rule[key] for key in ("type", "enum", "format") if key in rule}
    if "items" in rule:
        out["items"] = shape(rule["items"], kept)
    if "properties" in rule:
        out["properties"] = {name: shape(inner, kept) for name, inner in sorted(rule["properties"].items())}
    return out


def prefixed(value, host):
    """The same, with every name of a schema behind the host."""
    if isinstance(value, dict):
        return {key: f"{host}/{inner}" if key == "$ref" else prefixed(inner, host) for key, inner in value.items()}
    return [prefixed(inner, host) for inner in value] if isinstance(value, list) else value


def part(archive, version, apis, out):
    for host, file, wanted, kept in apis:
        document = json.loads(archive.read(f"google.golang.org/api@{version}/{file}"))
        out["revisions"][host] = document["revision"]
        for name, method in methods(document):
            if not any(name.endswith(f".{w}") for w in wanted):
                continue
            path = re.sub(r"\{[^}]+\}", "{}", method.get("flatPath", method["path"]))
            request, response = (method.get(k, {}).get("$ref") for k in ("request", "response"))
            query = sorted(n for n, p in method["parameters"].items() if p["location"] == "query")
            out["methods"].append({
                "host": host, "verb": method["httpMethod"], "path": f"/{document['servicePath']}{path}", "name": name.lstrip("."),
                "request": request and f"{host}/{request}", "response": response and f"{host}/{response}", "query": query,
            })
        out["schemas"].update({f"{host}/{name}": prefixed(shape(document["schemas"][name], kept), host) for name in kept})


def main():
    archive, version = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
    out = {"module": f"google.golang.org/api@{version}", "revisions": {}, "methods": [], "schemas": {}}
    if sys.argv[3:]:
        part(archive, version, PARTS[sys.argv[3]], out)
    for host, file, wanted, kept in [] if sys.argv[3:] else APIS:
        document = json.loads(archive.read(f"google.golang.org/api@{version}/{file}"))
        out["revisions"][host] = document["revision"]
        for name, method in methods(document):
            zones = ".zones." in name or ".aggregated." in name
            if zones or not any(name.endswith(f".{w.lstrip('.')}") for w in wanted):
                continue
            path = re.sub(r"\{[^}]+\}", "{}", method.get("flatPath", method["path"]))
            request, response = (method.get(k, {}).get("$ref") for k in ("request", "response"))
            out["methods"].append({"host": host, "verb": method["httpMethod"], "path": f"/{path}", "request": request, "response": response})
        out["schemas"].update({name: shape(document["schemas"][name], kept) for name in kept})
    json.dump(out, sys.stdout, indent=1, sort_keys=True)
    print()


main()
