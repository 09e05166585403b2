"""What the stand-in for Terraform's google provider has made, changed and destroyed, and the clusters that came of it.

Of our own making, with no counterpart at Google: that provider makes nothing there, so it tells here what the real one
would have made, with a token as the real one would show. A `google_container_cluster` becomes a cluster of GKE in the
stand-in (`google.py`) and goes with its resource; its API server is the lab's, where a control call has named it. All
else is only kept in a list, for whoever wants to know it from another place than Terraform's state.

Told by `POST PREFIX + project`: `{"type", "id", "gone", "is": {attribute: text}}`.

Control: `{"project": id}` answers `{"made": ["TYPE NAME"]}`, sorted; with `"forget": true` nothing of it was made.
"""

import json
import threading

from . import google

NAME = "google_made"
PREFIX = "/_google/cloudresourcemanager.googleapis.com/v3/made/"
CLUSTER = "google_container_cluster"

_lock = threading.Lock()
_made = {}


def control(request):
    with _lock:
        if request.get("forget"):
            _made.pop(request["project"], None)
        made = _made.get(request["project"], {})
        return {"made": sorted(f"{kind} {is_.get('name', id)}" for (kind, id), is_ in made.items())}


def wrap(app):
    def answer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX) or environ["REQUEST_METHOD"] != "POST":
            return app(environ, start_response)
        try:
            text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            status, body = "200 OK", _told(environ, path.removeprefix(PREFIX), json.loads(text))
        except google.Refused as refused:
            status, body = refused.status, refused.body
        data = json.dumps(body).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    return answer


def _told(environ, project, told):
    kind, is_ = told["type"], told["is"]
    google.member(environ, project)
    with _lock:
        made = _made.setdefault(project, {})
        if told["gone"]:
            made.pop((kind, told["id"]), None)
        else:
            made[kind, told["id"]] = is_
    if kind == CLUSTER:
        google.cluster_stands(project, is_["location"], is_["name"], not told["gone"])
    return {}
