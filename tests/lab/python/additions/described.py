"""Every exchange of the emulator, held against what AWS and Google say of their APIs. Nothing is answered here.

What goes over the wire is looked at outside of all layers: requests, answers and refusals, by `described_aws` and
`described_google`. One that is not as described is written down, and answered with 501 if it is ours; a test that holds a project
looks at the list when it ends, and the lanes do at their end, so a stand-in that drifts fails, whatever a test expected.
moto's own answers are looked at, too; where they differ in a way that nothing here depends on, `MOTO` says so.

Left out: answers whose connection a layer has ended (`lab.cut`), and calls that nobody has signed and that are no call of AWS (moto's own pages).

`POST /_lab/described` answers `{"drifts": [texts], "aws": n, "google": n}`: what was not as described, and how many exchanges
were looked at. With `"spoil": true` each answer of ours gets a field that nobody has before it is looked at, and is still
given as it was; what is found then is in `"spoilt"` and no drift, and an answer in which nothing is found is in `"unseen"`.
"""

import io
import json
import re
import threading

from . import described_aws, described_google

NAME = "described"

_lock = threading.Lock()
_drifts, _spoilt, _unseen, _looked = [], [], [], {"aws": 0, "google": 0}
_spoils = [False]

# What moto 5.2.5 answers and AWS does not have; a call that it does not know is answered with a page, or as another one.
MOTO = re.compile(
    "|".join(
        (
            "404 NOT FOUND: JSONDecodeError",
            "account.GetAlternateContact: ResourceNotFoundException comes with 404, not 400",
            # EC2 itself has these words, the model has others.
            "ec2.DescribeInternetGateways: answer.internetGatewaySet\\[\\].attachmentSet\\[\\].state: available",
            "ec2.(Create|Describe)VpcEndpoints?: answer.vpcEndpoint(Set\\[\\])?.state: (available|pending|deleting|deleted) ",
            "ec2.DescribeImages: answer.imagesSet\\[\\].platform",
            "iam.[A-Za-z]+: error has no message",
            "organizations.ListPolicies: answer.Policies\\[\\].(Arn|Id)",
            "s3.GetBucketRequestPayment: answer has no (IsTruncated|Name|MaxKeys|Contents)",
            "s3.PutBucketPolicy: answer has a body",
            "secretsmanager.DescribeSecret: answer has no SecretVersionsToStages",
        )
    )
)


class Asked:
    """A request, its names of headers in small letters and with hyphens."""

    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query, self.body = method, path, query, body
        self.headers = {name.lower().replace("_", "-"): value for name, value in headers.items()}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}


def control(request):
    with _lock:
        if "spoil" in request:
            _spoils[0] = request["spoil"] is True
            if _spoils[0]:
                _spoilt.clear()
                _unseen.clear()
        return {"drifts": list(_drifts), "spoilt": list(_spoilt), "unseen": list(_unseen), **_looked}


def noted(app):
    """The emulator itself, inside of all layers: what it says is remembered for the look from outside."""

    def answer(environ, start_response):
        status, headers, body = _whole(app, environ)
        environ.get("lab.own", []).append((status, body))
        start_response(status, headers)
        return [body]

    return answer


def judged(app):
    """The emulator with all its layers."""

    def answer(environ, start_response):
        asked = _asked(environ)
        own = environ["lab.own"] = []
        status, headers, body = _whole(app, environ)
        if environ.get("lab.cut"):  # nobody gets this answer: its connection was ended
            start_response(status, headers)
            return [body]
        of_moto = (status, body) in own
        try:
            wrong = _wrong(asked, Answer(int(status.split()[0]), dict(headers), body))
        except Exception as error:  # what cannot even be read
            wrong = [repr(error)]
        told = [f"{asked.method} {asked.path} {status}: {w}" for w in wrong]
        told = [t for t in told if not of_moto or not MOTO.search(t)]
        with _lock:
            _drifts.extend(told)
        if told and not of_moto:
            body = json.dumps({"error": {"code": 501, "status": "UNIMPLEMENTED", "message": f"not as described: {told}"}}).encode()
            status, headers = "501 Drifted", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return answer


def misfits(asked, answer):
    """What of an exchange is not as it is described; nothing where nobody describes it: none."""
    if asked.path.startswith(described_google.BESIDE):
        return None
    if asked.path.startswith(described_google.PREFIX):
        method, wrong = described_google.of_request(asked)
        return wrong if method is None else wrong + described_google.of_answer(method, asked, answer)
    service = described_aws.service_of(asked)
    if service is None:
        return None
    operation, wrong = described_aws.of_request(service, asked)
    if operation is None:
        return wrong
    return [f"{service}.{operation.name}: {w}" for w in wrong + described_aws.of_answer(operation, asked, answer)]


def spoilt(body):
    """The same answer with a field that nobody has: in an object, or in the innermost element that has a description."""
    text = body.decode(errors="replace")
    if text.startswith("{"):
        found = json.loads(text)
        inner = found["error"] if isinstance(found.get("error"), dict) else found
        inner["driftedAway"] = 1
        return json.dumps(found).encode()
    inner = next(filter(None, (re.search(e, text) for e in (r"<Error(?: [^>]*)?>", r"<\w+Result(?: [^>]*)?>", r"<\w[^>/]*>"))), None)
    return f"{text[:inner.end()]}<driftedAway>1</driftedAway>{text[inner.end():]}".encode() if inner else body


def _wrong(asked, answer):
    wrong = misfits(asked, answer)
    if wrong is None:
        return []
    with _lock:
        _looked["google" if asked.path.startswith(described_google.PREFIX) else "aws"] += 1
        spoils = _spoils[0]
    if b"the stand-in drifted" in answer.body:
        wrong.append(answer.body.decode(errors="replace")[:500])
    changed = Answer(answer.status, answer.headers, spoilt(answer.body)) if spoils else answer
    if changed.body != answer.body:
        found = [w for w in misfits(asked, changed) if "driftedAway" in w]
        with _lock:
            (_spoilt if found else _unseen).append(f"{asked.method} {asked.path} {answer.status}: {found}")
    return wrong


def _asked(environ):
    chunked = environ.get("HTTP_TRANSFER_ENCODING") == "chunked"
    body = environ["wsgi.input"].read(*([] if chunked else [int(environ.get("CONTENT_LENGTH") or 0)]))
    environ["wsgi.input"] = io.BytesIO(body)
    headers = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_TYPE"))}
    path = (environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
    return Asked(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)


def _whole(app, environ):
    told = {}

    def start(status, headers, exc_info=None):
        told.update(status=status, headers=headers)
        return lambda data: None

    parts = app(environ, start)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return told["status"], told["headers"], body
