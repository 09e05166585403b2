"""Records what the AWS emulator answers as stub mappings in WireMock's form: its one argument is the emulator's URL.

botocore asks, and what went over the wire is taken down: verb, path, body; status, kind, body. Prints an object with a
mapping for each name. What differs from run to run is made plain: ids, times, ports, and the signature, of which the
mapping only demands that it is there.
"""

import datetime
import json
import re
import sys
import urllib.parse

import botocore.session
import moto

URL = sys.argv[1]
SEEN = {}
_session = botocore.session.Session()
_session.set_credentials("AKIAIOSFODNN7EXAMPLE", "example")


def main():
    eks, sts = client("eks"), client("sts")
    call("aws/identity/get-caller-identity", sts.get_caller_identity)
    call("aws/clusters/absent/list", eks.list_clusters)
    call("aws/clusters/absent/describe", eks.describe_cluster, name="acme")
    network = {"subnetIds": ["subnet-1", "subnet-2"], "endpointPublicAccess": True}
    eks.create_cluster(name="acme", version="1.33", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig=network)
    call("aws/clusters/there/describe", eks.describe_cluster, name="acme")
    call("aws/clusters/others/list", eks.list_clusters)
    call("aws/clusters/others/describe", eks.describe_cluster, name="other")
    json.dump(SEEN, sys.stdout, indent=1)


def client(service):
    made = _session.create_client(service, region_name="eu-west-1", endpoint_url=URL)
    made.meta.events.register("before-send", lambda request, **_: noted.update(request=request))
    return made


noted = {}


def call(name, ask, /, **arguments):
    taken = {}
    events = ask.__self__.meta.events
    keep = lambda response_dict, **_: taken.update(response_dict)
    events.register("before-parse", keep)
    try:
        ask(**arguments)
    except ask.__self__.exceptions.ClientError:
        pass
    events.unregister("before-parse", keep)
    SEEN[name] = mapping(name, noted["request"], taken)


def mapping(name, request, answer):
    path = urllib.parse.urlsplit(request.url).path
    wanted = {"method": request.method, "urlPath": path}
    service = request.headers["Authorization"].decode().split("/")[3]
    wanted["headers"] = {"Authorization": {"matches": f"AWS4-HMAC-SHA256 Credential=.+/{service}/aws4_request, .+"}}
    if request.body:
        text = request.body.decode() if isinstance(request.body, bytes) else request.body
        wanted["bodyPatterns"] = [{"contains": text}]
    headers = {k: v for k, v in answer["headers"].items() if k.lower() in ("content-type", "x-amzn-errortype")}
    response = {"status": answer["status_code"], "headers": headers}
    text = answer["body"].decode()
    if text.startswith("{"):
        response["jsonBody"] = plain(json.loads(text))
    else:
        response["body"] = scrubbed(text)
    day = datetime.date.today().isoformat()
    example = f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    metadata = {"recorded": {"from": "moto", "version": moto.__version__, "date": day}, "example": {"headers": {"Authorization": example}}}
    return {"name": name.rsplit("/", 1)[1], "request": wanted, "response": response, "metadata": metadata}


def plain(value, name=""):
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if name.endswith("At"):
        return 1767225600
    return MADE_UP.get(name) or (scrubbed(value) if isinstance(value, str) else value)


MADE_UP = {
    "data": "LS0tLS1CRUdJTg==",
    "endpoint": "https://EXAMPLE.gr7.eu-west-1.eks.amazonaws.com",
    "issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
}


def scrubbed(text):
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "00000000-0000-4000-8000-000000000001", text)
    return re.sub("(<RequestId>).*?(</RequestId>)", r"\g<1>00000000-0000-4000-8000-000000000001\g<2>", text)


main()
