"""Answers the lab's API server who is behind a token, as EKS and GKE do: a TokenReview webhook over TLS.

A token of EKS is a presigned STS GetCallerIdentity URL. It is taken only if

- it is such a URL and nothing more: host, path, each parameter once, `host;x-k8s-aws-id` signed and nothing else;
- it is not older than 15 minutes and not from the future;
- the key is known to the emulator (or is the lab's own), and botocore, given the key's secret, signs the same request
  for the name of one of the emulator's clusters alike. The emulator itself checks no signatures;
- the emulator's STS says who the key is;
- that cluster has an access entry for it. The entry's user name and groups become the user's.

A token of Google is taken as GKE does: who it belongs to is asked of the stand-in's tokeninfo, and the address is the
user's name. What IAM of Google lets that user do in a cluster is left out: only the cluster's own rules count.

The argument is a JSON file with the settings. What is refused is told on standard output, without the token.
"""

import base64
import calendar
import http.server
import json
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PREFIX = "k8s-aws-v1."
GOOGLE = "ya29."
WANTED = {"Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"}
WANTED |= {"X-Amz-SignedHeaders", "X-Amz-Signature"}
ALLOWED = WANTED | {"X-Amz-Security-Token"}
LIFETIME = 15 * 60
SKEW = 60


class Refused(Exception):
    pass


def check(condition, why):
    if not condition:
        raise Refused(why)


def review(token):
    if token.startswith(GOOGLE):
        return of_google(token)
    url = presigned(token)
    host, query = url.hostname, parameters(url)
    scope = query["X-Amz-Credential"].split("/")
    check(len(scope) == 5 and scope[3:] == ["sts", "aws4_request"], "the credential's scope is not sts")
    key_id, day, region = scope[:3]
    check(host == f"sts.{region}.amazonaws.com" and url.netloc == host, "the host is not the region's STS")
    check(query["X-Amz-Date"][:8] == day, "the credential's day is not the date's")
    check_age(query)
    credentials = known(key_id)
    check(credentials.token == query.get("X-Amz-Security-Token"), "the session token is not the key's")
    names = ask({"clusters": region})["clusters"]
    cluster = next((name for name in names if signature(host, query, credentials, name) == query["X-Amz-Signature"]), None)
    check(cluster, f"the signature is that of none of the clusters {names}")
    arn = caller(query, region)
    entry = ask({"entry": {"region": region, "cluster": cluster, "principal": principal_of(arn)}})["entry"]
    check(entry, f"cluster {cluster} has no access entry for {principal_of(arn)}")
    return user(entry, arn)


def of_google(token):
    query = urllib.parse.urlencode({"access_token": token})
    url = f"{SETTINGS['emulator']}/_google/www.googleapis.com/oauth2/v2/tokeninfo?{query}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"Google knows no such token: {error.code}") from None
    check(found["verified_email"] and found["expires_in"] > 0, "the token has no owner, or has ended")
    return {"username": found["email"], "uid": found["email"], "groups": []}


def known(key_id):
    if key_id == SETTINGS["access_key_id"]:
        return Credentials(key_id, SETTINGS["secret_access_key"])
    key = ask({"key": key_id})
    check(key["secret"], "the key is unknown")
    return Credentials(key_id, key["secret"], key["token"])


def presigned(token):
    check(token.startswith(PREFIX), "not an EKS token")
    text = token[len(PREFIX) :]
    check(re.fullmatch(r"[A-Za-z0-9_-]+", text), "not base64url without padding")
    try:
        url = urllib.parse.urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except ValueError:
        raise Refused("not a URL in base64url") from None
    check(url.scheme == "https" and url.path == "/" and not url.fragment, "not the root of an HTTPS host")
    return url


def parameters(url):
    pairs = urllib.parse.parse_qsl(url.query, keep_blank_values=True, strict_parsing=True)
    query = dict(pairs)
    check(len(query) == len(pairs), "a parameter is repeated")
    check(WANTED <= set(query) <= ALLOWED, "the parameters are not those of a presigned call")
    check(query["Action"] == "GetCallerIdentity" and query["Version"] == "2011-06-15", "not GetCallerIdentity")
    check(query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256", "not signature version 4")
    check(query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id", "the signed headers are not host and x-k8s-aws-id")
    return query


def check_age(query):
    check(re.fullmatch(r"\d{8}T\d{6}Z", query["X-Amz-Date"]), "the date is malformed")
    made = calendar.timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    age = time.time() - made
    check(age > -SKEW, "the token is from the future")
    check(age < LIFETIME, "the token has expired")
    check(query["X-Amz-Expires"].isdigit() and int(query["X-Amz-Expires"]) <= LIFETIME, "the URL is valid for too long")


def signature(host, query, credentials, cluster):
    """The signature by botocore, at the URL's own date."""
    region = query["X-Amz-Credential"].split("/")[2]
    signer = SigV4QueryAuth(credentials, "sts", region, expires=int(query["X-Amz-Expires"]))
    request = AWSRequest(
        method="GET",
        url=f"https://{host}/?Action={query['Action']}&Version={query['Version']}",
        headers={"x-k8s-aws-id": cluster},
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    signer._modify_request_before_signing(request)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def caller(query, region):
    """Who the emulator's STS says it is. Sent as a POST: moto takes a presigned GET for one of S3."""
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={query['X-Amz-Credential']}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
        # The emulator notes which keys came as tokens.
        "User-Agent": "lab-token-review",
    }
    if "X-Amz-Security-Token" in query:
        headers["X-Amz-Security-Token"] = query["X-Amz-Security-Token"]
    form = urllib.parse.urlencode({"Action": query["Action"], "Version": query["Version"]}).encode()
    request = urllib.request.Request(SETTINGS["emulator"], data=form, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = re.search(r"<Arn>([^<]+)</Arn>", answer.read().decode())
    check(found, "STS names no caller")
    return found[1]


def principal_of(arn):
    session = re.match(r"^arn:(aws[^:]*):sts::(\d+):assumed-role/([^/]+)/.+$", arn)
    if session:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
    return re.sub(r"^(arn:aws[^:]*):sts::(\d+):user/", r"\1:iam::\2:user/", arn)


def user(entry, arn):
    session = arn.rsplit("/", 1)[-1]
    policies = {policy["policyArn"].rsplit("/", 1)[-1]: policy["accessScope"]["type"] for policy in entry["policies"]}
    groups = list(entry["kubernetesGroups"])
    if policies.get("AmazonEKSClusterAdminPolicy") == "cluster":
        groups.append("lab:eks-cluster-admin")
    return {
        "username": entry["username"].replace("{{SessionName}}", session),
        "uid": f"aws-iam-authenticator:{entry['principalArn']}",
        "groups": groups,
        "extra": {"arn": [arn], "canonicalArn": [entry["principalArn"]], "sessionName": [session]},
    }


def ask(question):
    data = json.dumps(question).encode()
    request = urllib.request.Request(SETTINGS["emulator"] + "/_lab/eks", data=data, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        try:
            status = {"authenticated": True, "user": review(request["spec"]["token"])}
        except Refused as refused:
            print("refused:", refused, flush=True)
            status = {"authenticated": False, "error": str(refused)}
        except Exception as error:  # whatever it is, nobody is let in by it
            print("refused:", repr(error), flush=True)
            status = {"authenticated": False, "error": "the check failed"}
        answer = json.dumps({"apiVersion": request["apiVersion"], "kind": "TokenReview", "status": status}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SETTINGS["certificate"], SETTINGS["key"])
    context.load_verify_locations(SETTINGS["authority"])
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SETTINGS["port"]), Webhook)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        SETTINGS = json.load(file)
    main()
