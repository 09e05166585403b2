"""Buckets of other accounts and in other regions.

What S3 does (API reference, "Error responses" and "Verifying bucket ownership with bucket owner condition"):

- a request with `x-amz-expected-bucket-owner` other than the bucket's owner is answered with 403 `AccessDenied`;
- a bucket of another account: `CreateBucket` is answered with 409 `BucketAlreadyExists`, everything else with 403;
- a bucket in another region: 301 `PermanentRedirect`, its region in `x-amz-bucket-region`; `CreateBucket` of one's own
  bucket with 409 `BucketAlreadyOwnedByYou`. A `HEAD` has no body.

moto ignores the header, knows one namespace of buckets a process, and answers for every region.
Left out: redirects of virtual-hosted names and of presigned requests; the emulator is asked by path and with a signature.

The expected owner is always checked. `POST /_lab/s3_buckets` plants a bucket: `{"bucket": NAME, "owner": ACCOUNT}` or
`{"bucket": NAME, "region": REGION}`; with neither it is taken away. Planted buckets are not in moto.
"""

import threading
from xml.sax.saxutils import escape

NAME = "s3_buckets"

_planted = {}
_lock = threading.Lock()


def control(request):
    bucket = request["bucket"]
    about = {key: str(request[key]) for key in ("owner", "region") if key in request}
    unknown = set(request) - {"bucket", "owner", "region"}
    if unknown:
        raise ValueError(f"unknown: {sorted(unknown)}")
    with _lock:
        _planted.pop(bucket, None)
        if about:
            _planted[bucket] = about
    return {"bucket": bucket, **about}


def wrap(app):
    def answer(environ, start_response):
        bucket, key = _named(environ)
        if not bucket:
            return app(environ, start_response)
        planted = _planted.get(bucket, {})
        makes = environ["REQUEST_METHOD"] == "PUT" and not key and not environ.get("QUERY_STRING")
        expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER")
        owner = planted.get("owner") or _owner_in_moto(bucket)
        if makes and planted:
            code = "BucketAlreadyExists" if "owner" in planted else "BucketAlreadyOwnedByYou"
            return _error(environ, start_response, "409 Conflict", code, bucket)
        if "region" in planted:
            more = [("x-amz-bucket-region", planted["region"])]
            return _error(environ, start_response, "301 Moved Permanently", "PermanentRedirect", bucket, more)
        if "owner" in planted or (expected and owner and expected != owner):
            return _error(environ, start_response, "403 Forbidden", "AccessDenied", bucket)
        return app(environ, start_response)

    return answer


def _named(environ):
    """Bucket and key of a request to S3, by the credential scope of its signature; nothing for other services."""
    if "/s3/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
        return "", ""
    bucket, _, key = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    return bucket, key


def _owner_in_moto(bucket):
    from moto.s3.models import s3_backends

    _, account = s3_backends.bucket_accounts.get(bucket, (None, None))
    return account


_MESSAGES = {
    "AccessDenied": "Access Denied",
    "BucketAlreadyExists": "The requested bucket name is not available.",
    "BucketAlreadyOwnedByYou": "The bucket that you tried to create already exists, and you own it.",
    "PermanentRedirect": "The bucket must be addressed by the endpoint of its region.",
}


def _error(environ, start_response, status, code, bucket, more=()):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{code}</Code><Message>{_MESSAGES[code]}</Message><BucketName>{escape(bucket)}</BucketName></Error>"
    ).encode()
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length:
        environ["wsgi.input"].read(length)
    headers = [("Content-Type", "application/xml"), ("x-amz-request-id", "4442587FB7D0A2F9"), *more]
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else xml
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]
