"""Takes what the mappings of Argo CD are held against out of Argo CD's own description of its API ("swagger").

It lies in the Go module `github.com/argoproj/argo-cd/v3`. Arguments: the module's zip, its version. Prints what
`tests/lab/argocd.json` holds: paths with their parameters, and the names and types of the fields; no descriptions. To move the
pin: `go mod download -json github.com/argoproj/argo-cd/v3@VERSION` names the zip; the lane `fixtures` makes it anew and compares.
"""

import json
import re
import sys
import zipfile

PATHS = [
    ("get", "/api/version"),
    ("get", "/api/v1/applications"),
    ("post", "/api/v1/applications"),
    ("get", "/api/v1/applications/{name}"),
    ("delete", "/api/v1/applications/{name}"),
    ("post", "/api/v1/applications/{name}/sync"),
    ("delete", "/api/v1/applications/{name}/operation"),
    ("put", "/api/v1/applications/{name}/spec"),
    ("get", "/api/v1/applications/{name}/manifests"),
    ("get", "/api/v1/applications/{applicationName}/managed-resources"),
    ("get", "/api/v1/applications/{name}/syncwindows"),
    ("get", "/api/v1/projects/{name}"),
]


def main():
    archive, version = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
    module = f"github.com/argoproj/argo-cd/v3@{version}"
    document = json.loads(archive.read(f"{module}/assets/swagger.json"))
    schemas, methods = {}, []
    for verb, path in PATHS:
        operation = document["paths"][path][verb]
        body = next((p["schema"] for p in operation.get("parameters", []) if p["in"] == "body"), None)
        request, response = (shape(s, document, schemas).get("$ref") if s else None for s in (body, operation["responses"]["200"]["schema"]))
        refusal = shape(operation["responses"]["default"]["schema"], document, schemas)["$ref"]
        query = {p["name"]: {"type": p["type"]} for p in operation.get("parameters", []) if p["in"] == "query"}
        path = re.sub(r"\{[^}]+\}", "{}", path)
        methods.append({"verb": verb.upper(), "path": path, "query": query, "request": request, "response": response, "refusal": refusal})
    json.dump({"module": module, "methods": methods, "schemas": schemas}, sys.stdout, indent=1, sort_keys=True)
    print()


def shape(rule, document, schemas):
    if "$ref" in rule:
        name = rule["$ref"].removeprefix("#/definitions/")
        if name not in schemas:
            schemas[name] = {}
            schemas[name] = shape(document["definitions"][name], document, schemas)
        return {"$ref": name}
    out = {key: rule[key] for key in ("type", "enum") if key in rule}
    if "items" in rule:
        out["items"] = shape(rule["items"], document, schemas)
    if "additionalProperties" in rule:
        out["additionalProperties"] = shape(rule["additionalProperties"], document, schemas)
    if "properties" in rule:
        out["properties"] = {name: shape(inner, document, schemas) for name, inner in rule["properties"].items()}
    return out


main()
