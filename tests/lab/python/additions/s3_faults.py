"""S3 requests that fail on purpose, and those of DynamoDB about a table beside a bucket.

What S3 does (API reference, "Error responses"): any request may be answered with 500 `InternalError`, 503 `SlowDown` or,
for a conditional write, 409 `ConditionalRequestConflict`; after a 500 the request may have been carried out or not.
DynamoDB answers 500 `InternalServerError` likewise. moto never fails.

`POST /_lab/s3_faults` with `{"method": "PUT", "bucket": NAME, "key": KEY, "status": 500, "code": "InternalError",
"when": "before" | "after", "times": N}`: the next N such requests (default 1) are answered with that status, before they
reach moto or after it has carried them out. An empty key means the bucket itself. The answer lists what is still to fail.

`{"bucket": NAME, "table": NAME | null, "cut": n}`: of the requests about this bucket and this table, call n from now and
all after it are refused, as if the caller had been cut off from AWS; with `"done": true` call n, counted among those that
change something, is carried out first. With `"times": N` so many calls fail, with a 500 that clients may send again. A cut
of 0 ends it. The answer holds the calls since the last such request. Without either request nothing fails.
Left out: faults of the connection, and requests that name their bucket by the host.
"""

import io
import json
import threading
from http import HTTPStatus
from xml.sax.saxutils import escape

NAME = "s3_faults"

LOOKS = ("GET", "HEAD", "DescribeTable")

_faults = []
_cuts = {}
_lock = threading.Lock()


def control(request):
    if "cut" in request:
        return _cut(request)
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


def _cut(request):
    with _lock:
        known = _cuts.pop(request["bucket"], None)
        if request["cut"]:
            _cuts[request["bucket"]] = {
                "table": request.get("table"),
                "at": int(request["cut"]),
                "done": bool(request.get("done")),
                "times": request.get("times"),
                "calls": [],
            }
        return {"calls": known["calls"] if known else []}


def _named(environ):
    """Bucket or table of a request, and what it asks for."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if "/s3/aws4_request" in authorization:
        bucket = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
        return ("bucket", bucket), environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    if "/dynamodb/aws4_request" in authorization:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        table = json.loads(body or b"{}").get("TableName")
        return ("table", table), environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2], ""
    return None, None, None


def _cut_off(environ):
    """The fault of a request that is cut off; each one is counted. Those of the lab itself carry no signature."""
    if not _cuts or environ.get("HTTP_AUTHORIZATION", "").endswith("Signature=0"):
        return None
    about, verb, query = _named(environ)
    with _lock:
        known = next((c for b, c in _cuts.items() if about in (("bucket", b), ("table", c["table"]))), None)
        if known is None or not about[1]:
            return None
        known["calls"].append(f"{verb} {query}".strip())
        counted = [call for call in known["calls"] if not known["done"] or not call.startswith(LOOKS)]
        past = len(counted) - known["at"]
        looks = known["done"] and verb in LOOKS
        if past < 0 or (looks and past == 0 and known["times"]) or (known["times"] and past >= known["times"]):
            return None
        if known["times"]:
            code = "InternalError" if about[0] == "bucket" else "InternalServerError"
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        else:
            # What no client sends again, and neither is told by for another reason.
            code = "InvalidRequest" if about[0] == "bucket" else "ValidationException"
            status = HTTPStatus.BAD_REQUEST
        after = known["done"] and past == 0 and not looks
        return {"status": status, "code": code, "when": "after" if after else "before", "json": about[0] == "table"}


def wrap(app):
    def answer(environ, start_response):
        fault = _cut_off(environ) or _due(environ)
        if fault is None:
            return app(environ, start_response)
        if fault["when"] == "after":
            done = app(environ, lambda *_: None)
            for _ in done:
                pass
            if hasattr(done, "close"):
                done.close()
        if fault.get("json"):
            data = json.dumps({"__type": fault["code"], "message": "asked for"}).encode()
            headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(data)))]
            start_response(f"{fault['status'].value} {fault['status'].phrase}", headers)
            return [data]
        status = fault["status"]
        code = escape(fault["code"])
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>asked for</Message></Error>'
        data = body.encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(data)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [data]

    return answer
