"""Temporary keys that end, roles that want an external id or a second factor, and a record of which key made which call.

STS says when temporary keys end (`Expiration`), and from then on every service refuses requests signed with them; moto
issues keys with an end and takes them for ever. AssumeRole asks the role's trust policy for `sts:ExternalId`; moto does
not. Of conditions only `StringEquals` and `StringLike` on `sts:ExternalId` and `Bool` on `aws:MultiFactorAuthPresent` are
read, and principals are not. Moto takes every code of every MFA device, and none at all.

A device is known once its seed was told here. GetSessionToken then takes its code of now, of the step before and of the
one after (AWS lets clocks differ a little), each once and none older than one that was taken. The keys that it gives are
the only ones with a second factor: a role session that they made has none, as in AWS. Asked with temporary keys, it
refuses. The keys of GetSessionToken end when AWS would end them.

`POST /_lab/keys`:
- `{"role": NAME, "lifetime_s": N}`: keys that are issued for this role from now on end after N seconds, whatever the
  caller asks for; null takes that back. The role's name is `session-token` for GetSessionToken, or the serial of the device
  whose code came with it.
- `{"role": NAME, "end": true}`: the keys that this role has given out end now.
- `{"device": SERIAL, "seed": BASE32}`: a device; null forgets it.
- `{"device": SERIAL, "code": N}`: `{"code": DIGITS}`, what it shows now, or N steps of 30 seconds later.
- `{"device": SERIAL}`: `{"asked": N, "taken": N}`: how many codes came, and how many were good.
- `{"role": NAME}`: what was issued for this role: `{"issued": [{access_key_id, secret, token, session, expires, calls,
  refused}]}`; `calls` counts by `SERVICE ACTION`, `refused` is how many requests came after the end. What the API server's
  webhook asks of STS, because somebody showed it a token that was signed with the key, counts as `eks TokenReview`.

Errors have the forms of AWS's protocols (botocore's service models name each service's): query, EC2, S3, JSON, REST-JSON.
"""

import base64
import fnmatch
import hashlib
import hmac
import io
import json
import os
import re
import struct
import threading
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

NAME = "keys"

SECRET = (("secret", "SecretAccessKey"), ("token", "SessionToken"))
ISSUING = ("AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken")
EXPIRED = "The security token included in the request is expired"

# By which name the webhook asks.
REVIEW = "lab-token-review"

_guard = threading.Lock()
_lifetimes = {}
_issued = {}
_devices = {}


def wrap(app):
    def layered(environ, start_response):
        form = _form(environ)
        key, service = _signature(environ)
        action = _action(environ, form)
        answer = _late(environ, key, service, action)
        if answer is None and action == "AssumeRole":
            answer = _stranger(form, key)
        if answer is None and action == "GetSessionToken":
            answer = _factor(form, key)
        if answer is None and action in ISSUING:
            return _issue(app, environ, start_response, action, form)
        if answer is None:
            return app(environ, start_response)
        status, headers, body = answer
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return layered


def control(request):
    with _guard:
        if "device" in request:
            return _device(request)
        role = request["role"]
        if "lifetime_s" in request:
            if request["lifetime_s"] is None:
                _lifetimes.pop(role, None)
            else:
                _lifetimes[role] = int(request["lifetime_s"])
            return {}
        if request.get("end"):
            for key in _issued.values():
                if key["role"] == role:
                    key["ends"] = datetime.now(timezone.utc)
            return {}
        shown = ("access_key_id", "secret", "token", "session", "expires", "calls", "refused")
        found = [key for key in _issued.values() if key["role"] == role]
        return {"issued": [{name: key[name] for name in shown} for key in found]}


def _device(request):
    serial = request["device"]
    if "code" in request:
        step = int(time.time()) // 30 + request["code"]
        return {"code": _code(_devices[serial]["seed"], step)}
    if "seed" not in request:
        return {name: _devices[serial][name] for name in ("asked", "taken")}
    if request["seed"] is None:
        _devices.pop(serial, None)
    else:
        seed = base64.b32decode(request["seed"])
        _devices[serial] = {"seed": seed, "last": 0, "asked": 0, "taken": 0}
    return {}


def _code(seed, step):
    """RFC 6238 and RFC 4226, section 5.3: six digits."""
    digest = hmac.new(seed, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def _factor(form, key):
    """The refusal of a code, or of whoever has no right to a session."""
    with _guard:
        if key in _issued:
            return _refusal("AccessDenied", "Cannot call GetSessionToken with session credentials")
        if "SerialNumber" not in form:
            return None
        device = _devices.get(form["SerialNumber"])
        if device is None:
            why = "Please verify your MFA serial number is valid and associated with this user."
            return _refusal("AccessDenied", f"MultiFactorAuthentication failed, unable to validate MFA code.  {why}")
        device["asked"] += 1
        now = int(time.time()) // 30
        steps = [step for step in (now - 1, now, now + 1) if step > device["last"]]
        fits = [step for step in steps if _code(device["seed"], step) == form.get("TokenCode")]
        if not fits:
            return _refusal("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
        device["last"] = fits[0]
        device["taken"] += 1
    return None


def _form(environ):
    """The form of a query request; the application can read it again."""
    if "x-www-form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
        return {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def _signature(environ):
    """Access key id and service of a signature in the header or, presigned, in the query."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    query = unquote(environ.get("QUERY_STRING", ""))
    scope = re.search(r"Credential=([^/,&]+)/\d+/[^/]+/([^/]+)/aws4_request", f"{header} {query}")
    return scope.groups() if scope else (None, None)


def _action(environ, form):
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    return form.get("Action") or target.rpartition(".")[2] or environ["REQUEST_METHOD"]


def _late(environ, key, service, action):
    """Counts a call; the refusal when its key has ended."""
    with _guard:
        known = _issued.get(key)
        if known is None:
            return None
        if known["ends"] is None or datetime.now(timezone.utc) < known["ends"]:
            name = "eks TokenReview" if environ.get("HTTP_USER_AGENT") == REVIEW else f"{service} {action}"
            known["calls"][name] = known["calls"].get(name, 0) + 1
            return None
        known["refused"] += 1
    return _expired(environ, service)


def _expired(environ, service):
    if service == "s3":
        xml = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        return _xml("400 Bad Request", xml)
    if service == "ec2":
        error = "<Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error>"
        return _xml("400 Bad Request", f"<Response><Errors>{error}</Errors><RequestID>lab</RequestID></Response>")
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        return _refusal("ExpiredToken", EXPIRED)
    kind = ("x-amzn-ErrorType", "ExpiredTokenException")
    if environ.get("HTTP_X_AMZ_TARGET"):
        body = {"__type": "com.amazon.coral.service#ExpiredTokenException", "message": EXPIRED}
        return "400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")], json.dumps(body).encode()
    return "403 Forbidden", [("Content-Type", "application/json"), kind], json.dumps({"message": EXPIRED}).encode()


def _refusal(code, message):
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return _xml("403 Forbidden", f"<ErrorResponse>{error}<RequestId>lab</RequestId></ErrorResponse>")


def _xml(status, text):
    return status, [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def _stranger(form, key):
    """The refusal when the role's trust policy wants another external id, or a second factor that the key is without."""
    arn = form.get("RoleArn", "")
    trust = _trust(arn)
    statements = trust.get("Statement", []) if trust else []
    statements = statements if isinstance(statements, list) else [statements]
    allows = [s for s in statements if s.get("Effect") == "Allow" and "sts:AssumeRole" in _list(s.get("Action"))]
    with _guard:
        factor = _issued.get(key, {}).get("factor", False)

    def fits(condition):
        return _fits(condition, form.get("ExternalId", "")) and _proven(condition, factor)

    if not allows or any(fits(s.get("Condition", {})) for s in allows):
        return None
    return _refusal("AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {arn}")


def _trust(arn):
    from moto.iam.models import iam_backends

    match = re.fullmatch(r"arn:(aws[^:]*):iam::(\d{12}):role/(?:.*/)?([^/]+)", arn)
    if match is None:
        return None
    partition, account, name = match.groups()
    roles = iam_backends[account][partition].roles.values()
    found = [role for role in roles if role.name == name]
    return json.loads(found[0].assume_role_policy_document) if found else None


def _fits(condition, given):
    wanted = [
        pattern
        for operator in ("StringEquals", "StringLike")
        for name, value in condition.get(operator, {}).items()
        if name.lower() == "sts:externalid"
        for pattern in _list(value)
    ]
    return not wanted or any(fnmatch.fnmatchcase(given, pattern) for pattern in wanted)


def _proven(condition, factor):
    wanted = [
        str(value).lower() == "true"
        for name, values in condition.get("Bool", {}).items()
        if name.lower() == "aws:multifactorauthpresent"
        for value in _list(values)
    ]
    return not wanted or factor in wanted


def _list(value):
    return value if isinstance(value, list) else [value]


def _issue(app, environ, start_response, action, form):
    """Passes an issuing request on, and notes what was issued; its end is the one that was set."""
    told = {}

    def note(status, headers, exc_info=None):
        told.update(status=status, headers=headers)
        return lambda data: None

    body = b"".join(app(environ, note)).decode()
    key = re.search(r"<AccessKeyId>([^<]+)</AccessKeyId>", body)
    if told["status"].startswith("200") and key:
        of_user = action == "GetSessionToken"
        user = form.get("SerialNumber", "session-token")
        role = user if of_user else form.get("RoleArn", "").rpartition("/")[2]
        factor = of_user and "SerialNumber" in form
        ends = _end(body) if of_user else None
        issued = key.group(1)
        if of_user:
            # Moto's is a constant, which the lab's own user has.
            issued = "ASIA" + base64.b32encode(os.urandom(10)).decode()
            body = body.replace(key.group(), f"<AccessKeyId>{issued}</AccessKeyId>")
        body = _noted(body, issued, role, form.get("RoleSessionName", ""), factor, ends)
    data = body.encode()
    headers = [(name, value) for name, value in told["headers"] if name.lower() != "content-length"]
    start_response(told["status"], [*headers, ("Content-Length", str(len(data)))])
    return [data]


def _noted(body, key, role, session, factor, ends):
    with _guard:
        lifetime = _lifetimes.get(role)
        if lifetime is not None:
            ends = datetime.now(timezone.utc) + timedelta(seconds=lifetime)
            stamp = ends.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            body = re.sub(r"<Expiration>[^<]*</Expiration>", f"<Expiration>{stamp}</Expiration>", body)
        expires = re.search(r"<Expiration>([^<]*)</Expiration>", body)
        told = {part: re.search(f"<{name}>([^<]*)</{name}>", body) for part, name in SECRET}
        _issued[key] = {
            "access_key_id": key,
            **{part: found.group(1) if found else None for part, found in told.items()},
            "role": role,
            "session": session,
            "factor": factor,
            "ends": ends,
            "expires": expires.group(1) if expires else None,
            "calls": {},
            "refused": 0,
        }
    return body


def _end(body):
    stamp = re.search(r"<Expiration>([^<]*)</Expiration>", body)
    return datetime.fromisoformat(stamp.group(1).replace("Z", "+00:00")) if stamp else None
