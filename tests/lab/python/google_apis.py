"""Takes what the stand-in for Google needs out of Google's own descriptions of its APIs ("discovery documents").

They lie in the Go module `google.golang.org/api`. Arguments: the module's zip, its version. Prints what
`additions/google.json` holds: paths, and the names, types and enumerations of the fields; no descriptions. To move the
pin: `go mod download -json google.golang.org/api@VERSION` names the zip.
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
        + ["DNSEndpointConfig", "IPEndpointsConfig", "ListClustersResponse", "ListOperationsResponse", "Operation"],
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
    ("cloudresourcemanager.googleapis.com", "cloudresourcemanager/v3/cloudresourcemanager-api.json", ["projects.get"], ["Project"]),
    (
        "secretmanager.googleapis.com",
        "secretmanager/v1/secretmanager-api.json",
        ["projects.secrets.versions.access"],
        ["AccessSecretVersionResponse", "SecretPayload"],
    ),
    ("www.googleapis.com", "oauth2/v2/oauth2-api.json", [".tokeninfo", "userinfo.get"], ["Tokeninfo", "Userinfo"]),
]


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


def main():
    archive, version = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
    out = {"module": f"google.golang.org/api@{version}", "revisions": {}, "methods": [], "schemas": {}}
    for host, file, wanted, kept in APIS:
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
