"""A stand-in for HCP Terraform: the calls that a `cloud` block with local execution makes, and no others.

Written from the API reference ("Organizations", "Workspaces", "State Versions", "API Changelog"), for one organization
and one workspace. It is not HCP Terraform: there are no runs, no teams, no variables, no history beyond the states.
Every call needs the token of the file `token`; `requests.log` names what was asked for.

Arguments: a folder, with `token` in it; a file `locked` there stands for a lock of somebody else, one `mode` holds the workspace's execution mode (local without it). It answers over TLS; `tls.json` names the port, `tls-ca.pem` the authority.
Ends when standard input does.
"""

import base64
import hashlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import ssl

import certificate

ORGANIZATION, WORKSPACE, ID = "acme", "dev", "ws-lab0000000000001"


class Site:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "token")) as file:
            self.token = file.read().strip()
        self.locked_by = None
        self.states = []
        self.guard = threading.Lock()
        self.url = ""


def workspace(site):
    held = site.locked_by is not None
    relationships = {"organization": {"data": {"id": ORGANIZATION, "type": "organizations"}}}
    if site.states:
        relationships["current-state-version"] = {"data": {"id": f"sv-{len(site.states)}", "type": "state-versions"}}
    if held:
        relationships["locked-by"] = {"data": {"id": "user-lab", "type": "users"}}
    mode = "local"
    if os.path.exists(os.path.join(site.folder, "mode")):
        with open(os.path.join(site.folder, "mode")) as file:
            mode = file.read().strip()
    permissions = ["can-update", "can-lock", "can-unlock", "can-force-unlock", "can-queue-apply", "can-queue-run"]
    return {
        "id": ID,
        "type": "workspaces",
        "attributes": {
            "name": WORKSPACE,
            "locked": held,
            "execution-mode": mode,
            "operations": mode != "local",
            "terraform-version": "1.11.4",
            "permissions": {name: True for name in permissions + ["can-read-settings"]},
        },
        "relationships": relationships,
    }


def state_version(site, number):
    about = site.states[number - 1]
    return {
        "id": f"sv-{number}",
        "type": "state-versions",
        "attributes": {
            "serial": about["serial"],
            "status": "finalized" if about["state"] is not None else "pending",
            "resources-processed": True,
            "hosted-state-download-url": f"{site.url}/blob/{number}",
            "hosted-state-upload-url": f"{site.url}/blob/{number}",
            "hosted-json-state-upload-url": f"{site.url}/json/{number}",
        },
        "relationships": {"outputs": {"data": []}},
    }


def outputs(site):
    state = json.loads(site.states[-1]["state"])
    return [
        {
            "id": f"wsout-{name}",
            "type": "state-version-outputs",
            "attributes": {
                "name": name,
                "sensitive": about.get("sensitive", False),
                "type": "string",
                "value": about["value"],
                "detailed-type": about["type"],
            },
        }
        for name, about in state["outputs"].items()
    ]


def answer(site, method, path, body):
    """Status and JSON document, or bytes."""
    api = "/api/v2"
    if path == "/.well-known/terraform.json":
        return 200, {"tfe.v2": f"{api}/", "tfe.v2.1": f"{api}/", "tfe.v2.2": f"{api}/"}
    if path == f"{api}/ping":
        return 204, None
    if path == f"{api}/organizations/{ORGANIZATION}/entitlement-set":
        what = {"operations": True, "state-storage": True, "teams": True}
        return 200, {"data": {"id": "org-lab", "type": "entitlement-sets", "attributes": what}}
    if path == f"{api}/organizations/{ORGANIZATION}":
        return 200, {"data": {"id": ORGANIZATION, "type": "organizations", "attributes": {"name": ORGANIZATION}}}
    if path in (f"{api}/organizations/{ORGANIZATION}/workspaces/{WORKSPACE}", f"{api}/workspaces/{ID}"):
        return 200, {"data": workspace(site)}
    if path == f"{api}/workspaces/{ID}/actions/lock":
        if site.locked_by or os.path.exists(os.path.join(site.folder, "locked")):
            return 409, {"errors": [{"status": "409", "title": "conflict", "detail": "workspace already locked"}]}
        site.locked_by = "user-lab"
        return 200, {"data": workspace(site)}
    if path in (f"{api}/workspaces/{ID}/actions/unlock", f"{api}/workspaces/{ID}/actions/force-unlock"):
        site.locked_by = None
        return 200, {"data": workspace(site)}
    if path == f"{api}/workspaces/{ID}/current-state-version" and site.states:
        return 200, {"data": state_version(site, len(site.states))}
    if path == f"{api}/workspaces/{ID}/current-state-version-outputs" and site.states:
        return 200, {"data": outputs(site)}
    if path == f"{api}/workspaces/{ID}/state-versions" and method == "POST":
        given = json.loads(body)["data"]["attributes"]
        state = base64.b64decode(given["state"]) if given.get("state") else None
        if site.locked_by is None:
            return 409, {"errors": [{"status": "409", "title": "conflict", "detail": "workspace is not locked"}]}
        site.states.append({"serial": given["serial"], "md5": given["md5"], "state": state})
        return 201, {"data": state_version(site, len(site.states))}
    if path.startswith(f"{api}/state-versions/sv-") and path.removeprefix(f"{api}/state-versions/sv-").isdigit():
        return 200, {"data": state_version(site, int(path.rpartition("-")[2]))}
    if path.startswith("/blob/"):
        about = site.states[int(path.rpartition("/")[2]) - 1]
        if method == "GET":
            return 200, about["state"]
        if hashlib.md5(body).hexdigest() != about["md5"]:
            return 400, None
        about["state"] = body
        return 200, None
    if path.startswith("/json/") and method == "PUT":
        return 200, None
    return 404, {"errors": [{"status": "404", "title": "not found"}]}


def handler(site):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            signed = path.startswith(("/blob/", "/json/")) or path == "/.well-known/terraform.json"
            with site.guard:
                known = self.headers.get("Authorization") == f"Bearer {site.token}"
                if not signed and not known:
                    status, document = 401, {"errors": [{"status": "401", "title": "unauthorized"}]}
                else:
                    status, document = answer(site, self.command, path, body)
                with open(os.path.join(site.folder, "requests.log"), "a") as log:
                    log.write(f"{self.command} {self.path} {status}\n")
            data = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.api+json" if path.startswith("/api") else "application/json")
            self.send_header("TFP-API-Version", "2.6")
            self.send_header("TFP-AppName", "Lab")
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = reply

        def log_message(self, *_):
            pass

    return Handler


def main():
    folder = sys.argv[1]
    site = Site(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.made_in(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"https://localhost:{server.server_port}"
    with open(os.path.join(folder, "tls.json.new"), "w") as out:
        json.dump({"port": server.server_port}, out)
    os.rename(os.path.join(folder, "tls.json.new"), os.path.join(folder, "tls.json"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


main()
