"""IAM enforcement that can be switched on and off, with S3's own names of actions.

AWS (Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"): HeadBucket needs
`s3:ListBucket`; reading and setting ownership controls, encryption and the public access block of a bucket have actions of
their own. moto 5.2.5 checks signatures and policies when `INITIAL_NO_AUTH_ACTION_COUNT` says so, but takes HeadBucket for an
action of that name, and those settings for `s3:ListBucket` and `s3:CreateBucket`. A service that speaks JSON refuses with 400
and `AccessDeniedException` (403 where the protocol is REST); moto answers it with the XML of the query services, and holds the
request against the resource `*`, whichever table or cluster it is about; where such a request has no body, moto takes what it read from the path for one, and
finds the signature wrong.
S3 (API reference, HeadObject and GetObject): who may not list the bucket is answered 403 for an object that is not there;
moto answers 404. STS refuses in the form of its own protocol, moto in that of EC2. Who writes an object that is encrypted by a key of KMS needs `kms:GenerateDataKey` on the key, who reads it
`kms:Decrypt`, and S3 says which is missing (S3 user guide, "Using server-side encryption with AWS KMS keys"); moto asks for neither.

`POST /_lab/permissions` with `{"enforce": true | false}` switches enforcement; it answers with the actions that were asked
for while it was on, since the last such call, and whether each was permitted. Off until then. Left out: conditions, resource
policies, the second action that some calls need (CreateBucket with an ownership setting).
"""

import json
import re
import threading

NAME = "permissions"

_lock = threading.Lock()
_asked = {}

SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/aws4_request")
DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
SPEAK_JSON = ("account", "dynamodb", "eks", "organizations", "secretsmanager", "servicequotas")
REST = ("account", "eks")

NAMES = {
    "HEAD": {"DEFAULT": "ListBucket"},
    "GET": {
        "encryption": "GetEncryptionConfiguration",
        "ownershipControls": "GetBucketOwnershipControls",
        "publicAccessBlock": "GetBucketPublicAccessBlock",
    },
    "PUT": {
        "encryption": "PutEncryptionConfiguration",
        "ownershipControls": "PutBucketOwnershipControls",
        "publicAccessBlock": "PutBucketPublicAccessBlock",
    },
}


def wrap(app):
    from moto.dynamodb.responses import DynamoHandler
    from moto.eks.responses import EKSResponse
    from moto.iam.access_control import IAMRequestBase
    from moto.s3.responses import ACTION_MAP
    from moto.secretsmanager.responses import SecretsManagerResponse

    assert ACTION_MAP["BUCKET"]["HEAD"]["DEFAULT"] == "HeadBucket"
    for method, actions in NAMES.items():
        assert "publicAccessBlock" not in ACTION_MAP["BUCKET"][method]
        ACTION_MAP["BUCKET"][method].update(actions)
    signed = IAMRequestBase._create_aws_request

    def signed_as_sent(self):
        if self._service in SPEAK_JSON and not self._body:
            self._data = b""
        return signed(self)

    IAMRequestBase._create_aws_request = signed_as_sent
    DynamoHandler._determine_resource = _table
    EKSResponse._determine_resource = _cluster
    SecretsManagerResponse._determine_resource = _secret
    check = IAMRequestBase.check_action_permitted

    def noted(self, resource):
        permitted = False
        try:
            check(self, resource)
            permitted = True
        finally:
            with _lock:
                _asked[self._action] = _asked.get(self._action, True) and permitted

    IAMRequestBase.check_action_permitted = noted

    def answer(environ, start_response):
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is not None and scope[1] == "s3":
            return _by_key(_hides_what_is_not_there, app, environ, start_response)
        if scope is not None and scope[1] in SPEAK_XML:
            return _refuses_in_xml(SPEAK_XML[scope[1]], app, environ, start_response)
        if scope is None or scope[1] not in SPEAK_JSON:
            return app(environ, start_response)
        started = []
        body = b"".join(app(environ, lambda status, headers, *rest: started.append((status, headers))))
        status, headers = started[-1]
        message = re.search(rb"<Message>(.*?)</Message>", body, re.DOTALL)
        if status.startswith("403") and b"<Code>AccessDenied</Code>" in body and message:
            status = "403 Forbidden" if scope[1] in REST else "400 Bad Request"
            body = json.dumps({"__type": "AccessDeniedException", "message": message[1].decode()}).encode()
            headers = [("Content-Type", "application/json"), ("X-Amzn-ErrorType", "AccessDeniedException"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return answer


# How the services that speak XML refuse, around the reason.
SPEAK_XML = {
    "sts": b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>%s</Message></Error><RequestId>lab</RequestId></ErrorResponse>",
    "ec2": b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>%s</Message></Error></Errors><RequestID>lab</RequestID></Response>",
}


def _refuses_in_xml(form, app, environ, start_response):
    started = []
    body = b"".join(app(environ, lambda status, headers, *rest: started.append((status, headers))))
    status, headers = started[-1]
    why = re.search(rb"<Code>AccessDenied</Code>\s*<Message>(.*?)</Message>", body, re.DOTALL)
    if status.startswith("403") and why:
        body = form % why[1]
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _by_key(then, app, environ, start_response):
    """Passed on unless the object's key of KMS may not be used."""
    bucket, _, key = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    if not _enforces() or not key:
        return then(app, environ, start_response)
    action, used = _key_used(environ, bucket, key)
    refused = used and _may_not_use(environ, action, used)
    if not refused:
        return then(app, environ, start_response)
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    why = f"User: {refused} is not authorized to perform: {action} on resource: {used} because no identity-based policy allows the {action} action"
    body = f"<Error><Code>AccessDenied</Code><Message>{why}</Message></Error>".encode()
    start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _key_used(environ, bucket, key):
    from moto.s3.models import s3_backends

    partition, account = s3_backends.bucket_accounts.get(bucket, (None, None))
    place = s3_backends[account][partition].buckets.get(bucket) if account else None
    if place is None:
        return None, None
    if environ["REQUEST_METHOD"] == "PUT":
        default = (place.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
        named = environ.get("HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID")
        return "kms:GenerateDataKey", named or default.get("KMSMasterKeyID")
    if environ["REQUEST_METHOD"] == "GET":
        return "kms:Decrypt", getattr(place.keys.get(key), "kms_key_id", None)
    return None, None


def _may_not_use(environ, action, key):
    """Who may not, by their ARN; nothing for who may."""
    from moto.core.exceptions import AccessDeniedError
    from moto.iam.access_control import IAMRequest

    headers = {"Authorization": environ["HTTP_AUTHORIZATION"]}
    if "HTTP_X_AMZ_SECURITY_TOKEN" in environ:
        headers["X-Amz-Security-Token"] = environ["HTTP_X_AMZ_SECURITY_TOKEN"]
    asked = IAMRequest("123456789012", "POST", "/", {}, b"", headers, action.partition(":")[2])
    asked._action = action
    try:
        asked.check_action_permitted(key)
        return None
    except AccessDeniedError:
        return asked._access_key.arn


def _hides_what_is_not_there(app, environ, start_response):
    started = []
    body = b"".join(app(environ, lambda status, headers, *rest: started.append((status, headers))))
    status, headers = started[-1]
    bucket, _, key = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    if status.startswith("404") and key and _enforces() and not _may_list(environ, bucket):
        status, body = "403 Forbidden", DENIED if environ["REQUEST_METHOD"] == "GET" else b""
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _enforces():
    from moto import settings

    return settings.INITIAL_NO_AUTH_ACTION_COUNT == 0


def _may_list(environ, bucket):
    from moto.iam.access_control import S3IAMRequest
    from moto.s3.exceptions import S3AccessDeniedError

    headers = {"Authorization": environ["HTTP_AUTHORIZATION"]}
    if "HTTP_X_AMZ_SECURITY_TOKEN" in environ:
        headers["X-Amz-Security-Token"] = environ["HTTP_X_AMZ_SECURITY_TOKEN"]
    asked = S3IAMRequest("123456789012", "GET", f"/{bucket}", {}, b"", headers, "ListBucket")
    try:
        asked.check_action_permitted(f"arn:aws:s3:::{bucket}")
        return True
    except S3AccessDeniedError:
        return False


def _table(response):
    name = response.body.get("TableName")
    return f"arn:aws:dynamodb:{response.region}:{response.current_account}:table/{name}" if name else "*"


def _cluster(response):
    name = re.match(r"/clusters/([^/?]+)", response.path)
    return f"arn:aws:eks:{response.region}:{response.current_account}:cluster/{name[1]}" if name else "*"


def _secret(response):
    """Of a secret that is named, AWS compares its whole ARN, with the six random characters at its end."""
    name = json.loads(response.body or "{}").get("SecretId")
    if not name or name.startswith("arn:"):
        return name or "*"
    return f"arn:aws:secretsmanager:{response.region}:{response.current_account}:secret:{name}-AbCdEf"


def control(request):
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0 if request["enforce"] is True else float("inf")
    ActionAuthenticatorMixin.request_count = 0
    with _lock:
        asked = dict(_asked)
        _asked.clear()
    return {"asked": asked}
