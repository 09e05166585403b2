"""What somebody changed by hand at Google, as the stand-in for Terraform's google provider would find it there.

Of our own making, with no counterpart at Google: that provider asks for `PREFIX` + project/type/name when it reads a
resource, and takes over the texts that are answered.

Control: `{"project": id, "type": type, "name": name, "now": {attribute: text}}`; an empty `now` takes it back.
"""

import json
import threading

NAME = "google_by_hand"
PREFIX = "/_google/cloudresourcemanager.googleapis.com/v3/by-hand/"

_lock = threading.Lock()
_changed = {}


def control(request):
    with _lock:
        _changed["/".join(request[part] for part in ("project", "type", "name"))] = request["now"]
    return {}


def wrap(app):
    def answer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return app(environ, start_response)
        with _lock:
            data = json.dumps(_changed.get(path.removeprefix(PREFIX), {})).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    return answer
