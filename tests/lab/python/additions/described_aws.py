"""Exchanges with AWS held against the service models of AWS's own SDK (botocore), as they went over the wire.

Of a request: operation, names in path, query, form and body, their types, enumerations and forms, and what is required. Of
an answer the same, JSON and XML to the last element; of a refusal its code, its fields, and its status where the model
tells one. S3 has no models of its errors: its codes and their fields are those of the API reference, "Error responses".

Not looked at: headers, whether a signature is right, lengths.
"""

import functools
import re
import urllib.parse
import xml.etree.ElementTree

from . import described_shapes as shapes

# Signing names that are not the names of their models.
SERVICES = {"awsssoportal": "sso", "sso-oauth": "sso-oidc", "servicequotas": "service-quotas"}
SCOPE = re.compile(r"Credential=[^/,&]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")

# Every service may answer these ("Common Errors" of the API references).
COMMON = set(
    "AccessDenied AccessDeniedException ExpiredToken ExpiredTokenException IncompleteSignature InternalFailure InvalidAction "
    "InvalidClientTokenId InvalidSignatureException MissingAuthenticationToken OptInRequired RequestExpired ServiceUnavailable "
    "SignatureDoesNotMatch Throttling ThrottlingException UnrecognizedClientException ValidationError ValidationException".split()
)
S3_ERRORS = {
    301: "PermanentRedirect",
    304: "NotModified",
    400: "AuthorizationHeaderMalformed ExpiredToken IllegalLocationConstraintException InvalidArgument InvalidBucketName InvalidRequest"
    " InvalidToken MalformedXML MalformedPolicy RequestTimeout",
    403: "AccessDenied InvalidAccessKeyId InvalidObjectState RequestTimeTooSkewed SignatureDoesNotMatch",
    404: "NoSuchBucket NoSuchBucketPolicy NoSuchCORSConfiguration NoSuchKey NoSuchLifecycleConfiguration NoSuchPublicAccessBlockConfiguration"
    " NoSuchTagSet NoSuchUpload NoSuchVersion NoSuchWebsiteConfiguration ObjectLockConfigurationNotFoundError OwnershipControlsNotFoundError"
    " ReplicationConfigurationNotFoundError ServerSideEncryptionConfigurationNotFoundError",
    405: "MethodNotAllowed",
    409: "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty ConditionalRequestConflict InvalidBucketState OperationAborted",
    412: "PreconditionFailed",
    416: "InvalidRange",
    500: "InternalError",
    503: "ServiceUnavailable SlowDown",
}
S3_FIELDS = set(
    "Code Message Resource RequestId HostId Bucket BucketName Key VersionId Region Endpoint Condition ArgumentName ArgumentValue"
    " Method ResourceType AWSAccessKeyId StringToSign SignatureProvided Token-0".split()
)


@functools.cache
def _session():
    import botocore.session

    return botocore.session.get_session()


@functools.cache
def _model(service):
    from botocore.exceptions import UnknownServiceError

    try:
        return _session().get_service_model(service)
    except UnknownServiceError:
        return None


def service_of(asked):
    """Whose request it is; nothing for what is none of AWS."""
    scope = SCOPE.search(f"{asked.headers.get('authorization', '')} {urllib.parse.unquote(asked.query)}")
    if scope:
        return SERVICES.get(scope[1], scope[1])
    if "x-amz-sso-bearer-token" in asked.headers:
        return "sso"
    if asked.path == "/token" and b'"grantType"' in asked.body:
        return "sso-oidc"
    return "sts" if asked.body and _form(asked).get("Action") in UNSIGNED else None


def of_request(service, asked):
    """The operation that is asked for, and what of it is not as described."""
    model = _model(service)
    if model is None:
        return None, [f"{service} is no service"]
    protocol = model.metadata["protocol"]
    if protocol == "json":
        name = asked.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = model.operation_model(name) if name in model.operation_names else None
    elif protocol in ("query", "ec2"):
        name = _form(asked).get("Action")
        operation = model.operation_model(name) if name in model.operation_names else None
    else:
        operation = _by_path(model, asked)
    if operation is None:
        return None, [f"{service} has no {asked.method} {asked.path}?{asked.query} {asked.headers.get('x-amz-target', '')}"]
    return operation, list(_requested(operation, protocol, asked))


def of_answer(operation, asked, answer):
    """What of an answer is not as described."""
    if answer.status >= 500 and "text/html" in answer.headers.get("content-type", ""):
        return []  # a proxy's, not AWS's
    if answer.status >= 300:
        return list(_refused(operation, asked, answer))
    return list(_answered(operation, answer)) if asked.method != "HEAD" else []


def _form(asked):
    form = "x-www-form-urlencoded" in asked.headers.get("content-type", "x-www-form-urlencoded")
    text = asked.body.decode(errors="replace") if form and asked.body else asked.query
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


@functools.cache
def _paths(model):
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri, _, fixed = operation.http["requestUri"].partition("?")
        path = re.sub(r"\\\{[^}]*?\\\+\\\}", ".+", re.escape(uri))
        path = re.compile(re.sub(r"\\\{[^}]*?\\\}", "[^/]+", path) + "/?")
        shape = operation.input_shape
        needed = [(m.serialization.get("location"), m.serialization.get("name", k)) for k, m in shape.members.items() if k in shape.required_members] if shape else []
        found.append((operation, path, urllib.parse.parse_qs(fixed, keep_blank_values=True), needed))
    return found


def _by_path(model, asked):
    """The operation with this verb and path, and the most of the query in its description."""
    query, best, most = urllib.parse.parse_qs(asked.query, keep_blank_values=True), None, -1
    for operation, path, fixed, needed in _paths(model):
        if operation.http["method"] != asked.method or not path.fullmatch(asked.path):
            continue
        told = [name in query for where, name in needed if where == "querystring"]
        told += [name.lower().replace("_", "-") in asked.headers for where, name in needed if where == "header"]
        if any(query.get(name) != value for name, value in fixed.items()) or not all(told):
            continue
        points = 10 * len(fixed) + len(told) - operation.deprecated
        if points > most:
            best, most = operation, points
    return best


def _requested(operation, protocol, asked):
    shape = operation.input_shape
    if protocol == "json":
        yield from shapes.of_json(shapes.parsed(asked.body), shape, "request")
    elif protocol in ("query", "ec2"):
        for name in _form(asked):
            if name not in ("Action", "Version") and not name.startswith("X-Amz-") and not shapes.is_in_form(name.split("."), shape, protocol == "ec2"):
                yield f"request has no {name}"
    else:
        members = shape.members if shape else {}
        names = {m.serialization.get("name", k) for k, m in members.items() if m.serialization.get("location") == "querystring"}
        fixed = urllib.parse.parse_qs(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)
        for name in urllib.parse.parse_qs(asked.query, keep_blank_values=True):
            if name not in names | fixed.keys() | {"x-id"} and not name.startswith("X-Amz-"):
                yield f"request has no parameter {name}"
        yield from _body(shape, asked.body, protocol, "request")


def _answered(operation, answer):
    shape, protocol = operation.output_shape, operation.service_model.metadata["protocol"]
    if protocol == "json":
        yield from shapes.of_json(shapes.parsed(answer.body), shape, "answer")
    elif protocol in ("query", "ec2"):
        root = xml.etree.ElementTree.fromstring(answer.body)
        if shapes.tag(root) != f"{operation.name}Response":
            yield f"{operation.name} answers with {shapes.tag(root)}"
        wrapper = shape and shape.serialization.get("resultWrapper")
        inner = [child for child in root if shapes.tag(child) not in ("ResponseMetadata", "requestId")]
        if wrapper:
            if [shapes.tag(child) for child in inner] != [wrapper]:
                yield f"{operation.name} answers with no {wrapper}, but {[shapes.tag(child) for child in inner]}"
            inner = list(inner[0]) if inner else []
        yield from shapes.of_elements(inner, shape, "answer")
    else:
        yield from _body(shape, answer.body, protocol, "answer")


def _body(shape, body, protocol, at):
    """The body of a REST call: one member of the shape, or all that go nowhere else."""
    payload = shape and shape.serialization.get("payload")
    if payload:
        shape = shape.members[payload]
        if shape.type_name != "structure" or getattr(shape, "is_eventstream", False):
            return  # bytes, or a text
    elif shape is None or not any("location" not in m.serialization for m in shape.members.values()):
        if body.strip() not in (b"", b"{}"):
            yield f"{at} has a body: {body[:200]!r}"
        return
    if protocol == "rest-json":
        yield from shapes.of_json(shapes.parsed(body), shape, at)
    elif body:
        root = xml.etree.ElementTree.fromstring(body)
        if len(root) or shapes.tag(root) != "LocationConstraint":  # GetBucketLocation's is a text alone
            yield from shapes.of_elements(list(root), shape, at)


def _refused(operation, asked, answer):
    service = operation.service_model
    protocol, body = service.metadata["protocol"], answer.body
    if asked.method == "HEAD":
        return
    if service.service_name == "s3":
        if not body and answer.status in (304, 404, 412):
            return
        root = xml.etree.ElementTree.fromstring(body)
        code = next((child.text for child in root if shapes.tag(child) == "Code"), None)
        if code not in S3_ERRORS.get(answer.status, "").split():
            yield f"S3 does not answer {code} with {answer.status}"
        yield from (f"error has no {shapes.tag(child)}" for child in root if shapes.tag(child) not in S3_FIELDS)
        return
    fields = {}
    if protocol in ("query", "ec2"):
        root = xml.etree.ElementTree.fromstring(body)
        error = next((element for element in root.iter() if shapes.tag(element) == "Error"), None)
        if error is None or shapes.tag(root) != ("Response" if protocol == "ec2" else "ErrorResponse"):
            yield f"an error of this service is no {shapes.tag(root)}"
            return
        code = next((child.text for child in error if shapes.tag(child) == "Code"), None)
        yield from (f"error has no {shapes.tag(child)}" for child in error if shapes.tag(child) not in ("Type", "Code", "Message", "Detail"))
    else:
        fields = shapes.parsed(body)
        code = answer.headers.get("x-amzn-errortype") or fields.get("__type", "")
        code = code.partition(":")[0].rpartition("#")[2]
    # EC2's errors are in no model.
    known = next((s for s in operation.error_shapes if code in (s.name, s.metadata.get("error", {}).get("code"))), None)
    if known is None and code not in COMMON and protocol != "ec2":
        yield f"{operation.name} does not answer {code}"
    fields = {name: value for name, value in fields.items() if name.lower() not in ("__type", "message", "code")}
    yield from shapes.of_json(fields, known, "error", required=False) if known or fields else ()
    status = known and known.metadata.get("error", {}).get("httpStatusCode")
    if status and status != answer.status and protocol != "json":
        yield f"{code} comes with {status}, not {answer.status}"
