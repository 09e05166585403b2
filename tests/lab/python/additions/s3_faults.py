"""S3 requests that fail on purpose.

What S3 does (API reference, "Error responses"): any request may be answered with 500 `InternalError`, 503 `SlowDown` or,
for a conditional write, 409 `ConditionalRequestConflict`; after a 500 the request may have been carried out or not. moto
never fails.

`POST /_lab/s3_faults` with `{"method": "PUT", "bucket": NAME, "key": KEY, "status": 500, "code": "InternalError",
"when": "before" | "after", "times": N}`: the next N such requests (default 1) are answered with that status, before they
reach moto or after it has carried them out. An empty key means the bucket itself. The answer lists what is still to fail. Without such a call nothing fails.
Left out: faults of the connection, and requests that name their bucket by the host.
"""

import threading
from http import HTTPStatus
from xml.sax.saxutils import escape

NAME = "s3_faults"

_faults = []
_lock = threading.Lock()


def control(request):
    fault = {
        "method": str(request["method"]),
        "path": f"/{request['bucket']}/{request['key']}".rstrip("/"),
        "status": HTTPStatus(int(request["status"])),
        "code": str(request["code"]),
        "when": {"before": "before", "after": "after"}[request["when"]],
        "times": int(request.get("times", 1)),
    }
    with _lock:
        _faults.append(fault)
        return {"waiting": [{**f, "status": f["status"].value} for f in _faults]}


def _due(environ):
    """The fault that this request meets; each time counts."""
    with _lock:
        for fault in _faults:
            if fault["method"] == environ["REQUEST_METHOD"] and fault["path"] == environ.get("PATH_INFO", "").rstrip("/"):
                fault["times"] -= 1
                if fault["times"] <= 0:
                    _faults.remove(fault)
                return fault
    return None


def wrap(app):
    def answer(environ, start_response):
        fault = _due(environ)
        if fault is None:
            return app(environ, start_response)
        if fault["when"] == "after":
            done = app(environ, lambda *_: None)
            for _ in done:
                pass
            if hasattr(done, "close"):
                done.close()
        status = fault["status"]
        code = escape(fault["code"])
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>asked for</Message></Error>'
        data = body.encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(data)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [data]

    return answer
