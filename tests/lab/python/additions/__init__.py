"""What the lab adds to moto: layers around its WSGI application, in the emulator's own process.

A layer is a module of this package with

- `NAME`: its name under `/_lab/`;
- `wrap(app)`: returns a WSGI application that answers or changes what it is about and passes on everything else;
- `control(request)`: takes the JSON object of a `POST /_lab/NAME` and returns a JSON object; tests and the lab set the
  layer's state this way. Without such a call a layer changes nothing, unless its first lines say so.

Each module says in its first lines what AWS does (API reference), what moto does instead, and what is left out. Around all of
them stands `described`, which holds every exchange against the descriptions of AWS and Google.
"""

import json

from . import described, eks, google, google_by_hand, google_made, google_projects, google_storage, keys, organizations, permissions, quotas, s3_buckets, s3_faults, s3_transport, sso

LAYERS = (google_by_hand, google_made, google_projects, google_storage, google, sso, keys, s3_buckets, s3_transport, s3_faults, eks, permissions, organizations, quotas)


def wrapped(app):
    """The application inside its layers; the first of `LAYERS` sees a request first."""
    app = described.noted(app)
    for layer in reversed(LAYERS):
        app = layer.wrap(app)
    return _controlled(described.judged(app), {layer.NAME: layer.control for layer in (*LAYERS, described)})


def _controlled(app, controls):
    def answer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/_lab/"):
            return app(environ, start_response)
        control = controls.get(path.removeprefix("/_lab/"))
        if control is None or environ["REQUEST_METHOD"] != "POST":
            return _json(start_response, "404 Not Found", {"error": "no such control", "known": sorted(controls)})
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            request = json.loads(environ["wsgi.input"].read(length) or b"{}")
            return _json(start_response, "200 OK", control(request))
        except (KeyError, TypeError, ValueError) as error:
            return _json(start_response, "400 Bad Request", {"error": repr(error)})

    return answer


def _json(start_response, status, body):
    data = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]
