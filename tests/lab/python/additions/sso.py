"""The portal of IAM Identity Center: keys of an account and role for whoever has signed in.

`GetRoleCredentials` (IAM Identity Center portal API; path, names and error by botocore's service model `sso`) takes the
token of a login and answers temporary keys, or `UnauthorizedException` once the login has ended. moto has no portal. The
keys are moto's own, by AssumeRole under the session name `sso`, so that the layer `keys` knows them. Left out: who is
assigned which role, listing of accounts and roles, signing in, renewing a token.

`POST /_lab/sso`: `{"token": TOKEN, "signed_in": true}` makes a login, `false` ends it. Without such a call nobody is
signed in.
"""

import io
import json
import re
import threading
from datetime import datetime
from urllib.parse import parse_qs, urlencode

NAME = "sso"

PATH = "/federation/credentials"

_guard = threading.Lock()
_logins = set()


def wrap(app):
    def layered(environ, start_response):
        if environ.get("PATH_INFO") != PATH or "HTTP_X_AMZ_SSO_BEARER_TOKEN" not in environ:
            return app(environ, start_response)
        status, headers, document = _answer(app, environ)
        body = json.dumps(document).encode()
        headers = [*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return layered


def control(request):
    with _guard:
        (_logins.add if request["signed_in"] else _logins.discard)(request["token"])
    return {}


def _answer(app, environ):
    with _guard:
        known = environ["HTTP_X_AMZ_SSO_BEARER_TOKEN"] in _logins
    if not known:
        kind = ("x-amzn-ErrorType", "UnauthorizedException")
        return "401 Unauthorized", [kind], {"message": "Session token not found or invalid"}
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    xml = _assumed(app, environ, f"arn:aws:iam::{query['account_id']}:role/{query['role_name']}")
    given = {
        name: re.search(f"<{element}>([^<]+)</{element}>", xml).group(1)
        for name, element in (
            ("accessKeyId", "AccessKeyId"),
            ("secretAccessKey", "SecretAccessKey"),
            ("sessionToken", "SessionToken"),
        )
    }
    ends = datetime.fromisoformat(re.search("<Expiration>([^<]+)</Expiration>", xml).group(1).replace("Z", "+00:00"))
    return "200 OK", [], {"roleCredentials": {**given, "expiration": int(ends.timestamp() * 1000)}}


def _assumed(app, environ, role):
    """The answer of STS to AssumeRole, asked inside of the emulator."""
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "sso"}
    body = urlencode(form).encode()
    scope = "Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/sts/aws4_request"
    inner = {
        **environ,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "RAW_URI": "/",
        "REQUEST_URI": "/",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "wsgi.input": io.BytesIO(body),
    }
    told = {}

    def note(status, headers, exc_info=None):
        told["status"] = status
        return lambda data: None

    answer = b"".join(app(inner, note)).decode()
    if not told["status"].startswith("200"):
        raise ValueError(answer)
    return answer
