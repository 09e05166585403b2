"""Bucket policies that want TLS.

What S3 does (user guide, "Enforce encryption of data in transit"): a statement `Deny` with the condition
`Bool: {"aws:SecureTransport": "false"}` refuses every request over plain http with 403, and no request over TLS.

moto evaluates no conditions: it takes such a statement for a refusal of everything.
Left out: actions, resources and principals of such a statement; the lab's have `*` in all of them. Plain http is refused
only for buckets that a test names: elsewhere the lab itself speaks plain http, also to buckets with such a policy.

`POST /_lab/s3_transport` with `{"bucket": NAME}` answers the bucket's policy and the keys of its objects. With
`"enforce": true` the policy is enforced for this bucket from now on; with `"policy": OBJECT` that is put in its place first.
"""

import json
from xml.sax.saxutils import escape

NAME = "s3_transport"

_enforced = set()


def control(request):
    bucket = _bucket(request["bucket"])
    if request.get("enforce"):
        _enforced.add(request["bucket"])
    if bucket is None:
        return {"policy": None, "keys": []}
    if "policy" in request:
        bucket.policy = json.dumps(request["policy"]).encode()
    policy = json.loads(bucket.policy.decode()) if bucket.policy else None
    return {"policy": policy, "keys": sorted(bucket.keys.keys())}


def wrap(app):
    _mend()

    def answer(environ, start_response):
        if "/s3/aws4_request" not in environ.get("HTTP_AUTHORIZATION", "") or environ["wsgi.url_scheme"] == "https":
            return app(environ, start_response)
        name = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
        bucket = _bucket(name) if name in _enforced else None
        if bucket is None or not any(map(_wants_tls, _statements(bucket.policy))):
            return app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length:
            environ["wsgi.input"].read(length)
        xml = f"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><BucketName>{escape(name)}</BucketName></Error>"
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else xml.encode()
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def _mend():
    """moto's own look at the policy, without the statements that are evaluated here."""
    from moto.s3.models import FakeBucket

    whole = FakeBucket.get_permission

    def get_permission(self, action, resource):
        policy = self.policy
        rest = [statement for statement in _statements(policy) if not _wants_tls(statement)]
        if policy is None or len(rest) == len(_statements(policy)):
            return whole(self, action, resource)
        without = FakeBucket.__new__(FakeBucket)
        without.policy = json.dumps({**json.loads(policy.decode()), "Statement": rest}).encode() if rest else None
        return whole(without, action, resource)

    FakeBucket.get_permission = get_permission


def _statements(policy):
    return json.loads(policy.decode())["Statement"] if policy else []


def _wants_tls(statement):
    condition = statement.get("Condition", {}).get("Bool", {})
    return statement.get("Effect") == "Deny" and str(condition.get("aws:SecureTransport")).lower() == "false"


def _bucket(name):
    from moto.s3.models import s3_backends

    partition, account = s3_backends.bucket_accounts.get(name, (None, None))
    return s3_backends[account][partition].buckets.get(name) if account else None
