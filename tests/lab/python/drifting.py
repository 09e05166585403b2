"""Shows of each of the emulator's layers that a drift of what it answers is seen.

Starts the emulator, asks each layer for what it answers or changes, by AWS's own SDK or as our client asks Google, and looks at
what `described` made of it: all is as described; and once every answer has a field that nobody has, each layer was caught.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import botocore.config
import botocore.exceptions
import botocore.session

HERE = pathlib.Path(__file__).parent
ME = "123456789012"


def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "emulator.py"), "tied", "-H", "127.0.0.1", "-p", str(port)]
        with open(os.path.join(folder, "log"), "w") as log:
            emulator = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            look(f"http://127.0.0.1:{port}", emulator)
        except Exception:
            print(pathlib.Path(folder, "log").read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            emulator.kill()
            emulator.wait()


def look(url, emulator):
    while emulator.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/moto-api/").read()
            break
        except OSError:
            time.sleep(0.1)
    lab, wrong = Lab(url), []
    for layer, asks in LAYERS.items():
        lab.control("described", spoil=True)
        before = lab.control("described")
        try:
            asks(lab)
        except Exception as error:
            wrong.append(f"{layer}: {error!r}")
        seen = lab.control("described", spoil=False)
        looked = seen["aws"] + seen["google"] - before["aws"] - before["google"]
        wrong += [f"{layer}: {drift}" for drift in seen["drifts"][len(before["drifts"]):]]
        print(f"{layer}: {looked} exchanges, {len(seen['spoilt'])} caught")
        wrong += [f"{layer}: a field that nobody has was not seen: {text}" for text in seen["unseen"]]
        if not seen["spoilt"]:
            wrong.append(f"{layer}: nothing was caught")
    for service, verb, path, body, kind in BAD:
        before = len(lab.control("described")["drifts"])
        status, _ = lab.send(verb, path, body, **{"Authorization": claim(service), "Content-Type": kind})
        told = lab.control("described")["drifts"][before:]
        if not any("driftedaway" in text.lower() for text in told):
            wrong.append(f"{verb} {path} is asked, {status} is answered, and told is {told}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(LAYERS)} layers, {len(BAD)} requests that nobody has")


class Lab:
    def __init__(self, url):
        self.url = url
        self.session = botocore.session.Session()
        self.session.set_credentials("AKIAIOSFODNN7EXAMPLE", "example")

    def control(self, layer, **what):
        status, found = self.send("POST", f"/_lab/{layer}", what)
        assert status == 200, found
        return found

    def send(self, verb, path, body=None, **headers):
        """Status and JSON of one plain request."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, {**kind, **headers}, method=verb)
        try:
            with urllib.request.urlopen(request) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text.startswith(b"{") else text

    def client(self, service, region="eu-west-1", **more):
        config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return self.session.create_client(service, region_name=region, endpoint_url=self.url, config=config, **more)

    def google(self, verb, host, path, body=None, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.send(verb, f"/_google/{host}{path}", body, **headers)


def refused(code, ask, /, **arguments):
    try:
        ask(**arguments)
    except botocore.exceptions.ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}: {error}"
        return
    raise AssertionError(f"{ask} was not refused with {code}")


def sso(lab):
    lab.control("sso", token="t", signed_in=True)
    portal = lab.client("sso")
    portal.get_role_credentials(roleName="reader", accountId=ME, accessToken="t")
    refused("UnauthorizedException", portal.get_role_credentials, roleName="reader", accountId=ME, accessToken="gone")


def keys(lab):
    sts = lab.client("sts")
    lab.control("keys", role="short", lifetime_s=900)
    given = sts.assume_role(RoleArn=f"arn:aws:iam::{ME}:role/short", RoleSessionName="somebody")["Credentials"]
    lab.control("keys", role="short", end=True)
    own = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": "x", "aws_session_token": "x"}
    refused("ExpiredToken", lab.client("sts", **own).get_caller_identity)
    refused("ExpiredToken", lab.client("s3", **own).list_buckets)
    refused("RequestExpired", lab.client("ec2", **own).describe_vpcs)
    refused("ExpiredTokenException", lab.client("eks", **own).list_clusters)
    refused("ExpiredTokenException", lab.client("dynamodb", **own).list_tables)
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "right"}}}]}
    lab.client("iam").create_role(RoleName="strict", AssumeRolePolicyDocument=json.dumps(trust))
    refused("AccessDenied", sts.assume_role, RoleArn=f"arn:aws:iam::{ME}:role/strict", RoleSessionName="somebody")


def s3_buckets(lab):
    s3 = lab.client("s3")
    lab.control("s3_buckets", bucket="theirs-1", owner="210987654321")
    lab.control("s3_buckets", bucket="far-1", region="us-west-2")
    refused("AccessDenied", s3.get_bucket_versioning, Bucket="theirs-1")
    place = {"LocationConstraint": "eu-west-1"}
    refused("BucketAlreadyExists", s3.create_bucket, Bucket="theirs-1", CreateBucketConfiguration=place)
    refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="far-1", CreateBucketConfiguration=place)
    status, _ = lab.send("GET", "/far-1?versioning", Authorization=claim("s3"))
    assert status == 301, status


def claim(service):
    return f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"


def s3_transport(lab):
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="only-tls", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    lab.control("s3_transport", bucket="only-tls", enforce=True, policy={"Version": "2012-10-17", "Statement": [statement]})
    refused("AccessDenied", s3.list_objects_v2, Bucket="only-tls")


def s3_faults(lab):
    s3 = lab.client("s3")
    for status, code in ((500, "InternalError"), (503, "SlowDown"), (409, "ConditionalRequestConflict")):
        lab.control("s3_faults", method="GET", bucket="any-1", key="k", status=status, code=code, when="before")
        refused(code, s3.get_object, Bucket="any-1", Key="k")


def eks(lab):
    eks = lab.client("eks")
    lab.control("eks", endpoint="https://127.0.0.1:6443", certificate="LS0t")
    network, role = {"subnetIds": ["subnet-12345678", "subnet-87654321"]}, f"arn:aws:iam::{ME}:role/a"
    config = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True}
    eks.create_cluster(name="acme", roleArn=role, resourcesVpcConfig=network, accessConfig=config)
    eks.describe_cluster(name="acme")
    eks.create_access_entry(clusterName="acme", principalArn=role, kubernetesGroups=["devs"], tags={"a": "b"})
    eks.update_access_entry(clusterName="acme", principalArn=role, kubernetesGroups=["ops"])
    eks.describe_access_entry(clusterName="acme", principalArn=role)
    eks.list_access_entries(clusterName="acme")
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    eks.associate_access_policy(clusterName="acme", principalArn=role, policyArn=policy, accessScope={"type": "cluster"})
    eks.list_associated_access_policies(clusterName="acme", principalArn=role)
    eks.disassociate_access_policy(clusterName="acme", principalArn=role, policyArn=policy)
    eks.delete_access_entry(clusterName="acme", principalArn=role)
    refused("ResourceNotFoundException", eks.describe_access_entry, clusterName="acme", principalArn=role)
    refused("ResourceNotFoundException", eks.list_access_entries, clusterName="none")
    refused("InvalidParameterException", eks.create_access_entry, clusterName="acme", principalArn=role, kubernetesGroups=["system:masters"])


def permissions(lab):
    key = lab.client("iam")
    key.create_user(UserName="nobody")
    given = key.create_access_key(UserName="nobody")["AccessKey"]
    own = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    lab.client("s3").create_bucket(Bucket="closed-1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    lab.control("permissions", enforce=True)
    try:
        refused("AccessDeniedException", lab.client("dynamodb", **own).get_item, TableName="t", Key={"id": {"S": "x"}})
        refused("AccessDeniedException", lab.client("organizations", region="us-east-1", **own).describe_organization)
        refused("AccessDeniedException", lab.client("secretsmanager", **own).get_secret_value, SecretId="x")
        refused("AccessDeniedException", lab.client("eks", **own).describe_cluster, name="acme")
        refused("AccessDenied", lab.client("s3", **own).get_object, Bucket="closed-1", Key="k")
    finally:
        lab.control("permissions", enforce=False)


def organizations(lab):
    client = lab.client("organizations", region="us-east-1")
    lab.control("organizations", account=ME, polls=1)
    asked = client.create_account(Email="a@acme.example", AccountName="a", Tags=[{"Key": "k", "Value": "v"}])["CreateAccountStatus"]
    client.describe_create_account_status(CreateAccountRequestId=asked["Id"])
    ended = client.describe_create_account_status(CreateAccountRequestId=asked["Id"])["CreateAccountStatus"]
    assert ended["State"] == "SUCCEEDED", ended
    client.list_create_account_status(States=["SUCCEEDED", "FAILED"])
    client.list_accounts()
    lab.control("organizations", account=ME, failure="GOVCLOUD_ACCOUNT_ALREADY_EXISTS", polls=0)
    client.create_account(Email="b@acme.example", AccountName="b")
    lab.control("organizations", account=ME, quota=1)
    refused("ConstraintViolationException", client.create_account, Email="c@acme.example", AccountName="c")
    refused("CreateAccountStatusNotFoundException", client.describe_create_account_status, CreateAccountRequestId="car-exampleexample")
    found = lab.control("organizations", account=ME, quota=100, busy_moves=1)
    move = {"AccountId": ended["AccountId"], "SourceParentId": found["root"], "DestinationParentId": found["unit"]}
    refused("ConcurrentModificationException", client.move_account, **move)
    refused("SourceParentNotFoundException", client.move_account, **{**move, "SourceParentId": found["unit"]})
    lab.control("organizations", account=ME, assumable_after=1)
    role = f"arn:aws:iam::{ended['AccountId']}:role/OrganizationAccountAccessRole"
    refused("AccessDenied", lab.client("sts").assume_role, RoleArn=role, RoleSessionName="somebody")


def quotas(lab):
    lab.control("quotas", account=ME, accounts=12)
    lab.client("service-quotas", region="us-east-1").get_service_quota(ServiceCode="organizations", QuotaCode="L-29A0C5DF")


def somebody(lab):
    """The token of somebody who signed in."""
    lab.control("google", person="ada@acme.example", refresh_token="refresh")
    form = b"grant_type=refresh_token&refresh_token=refresh&client_id=x&client_secret=y"
    return lab.google("POST", "oauth2.googleapis.com", "/token", form)[1]["access_token"]


def google(lab):
    token = somebody(lab)
    lab.control("google", project="acme-dev", members=["ada@acme.example"])
    lab.control("google", machine="vm@acme-dev.iam.gserviceaccount.com")
    cluster = {"name": "acme", "location": "europe-west1", "status": "RUNNING", "endpoint": "10.0.0.1", "nodePools": [{"name": "a", "config": {"machineType": "e2"}}]}
    lab.control("google", project="acme-dev", cluster=cluster)
    lab.control("google", project="acme-dev", operation={"name": "operation-1", "status": "RUNNING", "location": "europe-west1"})
    lab.control("google", account="robot@acme-dev.iam.gserviceaccount.com", also=["ada@acme.example"])
    lab.control("google", pool="//iam.googleapis.com/pool", subjects=["theirs"])
    lab.control("google", project="acme-dev", secret="s", versions={"1": "text", "2": None}, readers=["ada@acme.example"])
    place = "/v1/projects/acme-dev/locations/europe-west1"
    for host, path in (
        ("container.googleapis.com", f"{place}/clusters/acme"),
        ("container.googleapis.com", f"{place}/clusters/none"),
        ("container.googleapis.com", f"{place}/clusters"),
        ("container.googleapis.com", f"{place}/operations"),
        ("cloudresourcemanager.googleapis.com", "/v3/projects/acme-dev"),
        ("cloudresourcemanager.googleapis.com", "/v3/projects/not-mine"),
        ("secretmanager.googleapis.com", "/v1/projects/acme-dev/secrets/s/versions/1:access"),
        ("secretmanager.googleapis.com", "/v1/projects/acme-dev/secrets/s/versions/2:access"),
        ("www.googleapis.com", "/oauth2/v2/userinfo"),
    ):
        lab.google("GET", host, path, token=token)
    lab.google("GET", "cloudresourcemanager.googleapis.com", "/v3/projects/acme-dev", token="ended")
    for given in (token, "none"):
        lab.google("POST", "www.googleapis.com", f"/oauth2/v2/tokeninfo?access_token={given}")
    act = "/v1/projects/-/serviceAccounts/robot@acme-dev.iam.gserviceaccount.com:generateAccessToken"
    lab.google("POST", "iamcredentials.googleapis.com", act, {"scope": ["x"], "lifetime": "600s"}, token)
    ask = {"audience": "//iam.googleapis.com/pool", "grantType": "urn:ietf:params:oauth:grant-type:token-exchange", "subjectToken": "theirs"}
    for subject in ("theirs", "others"):
        lab.google("POST", "sts.googleapis.com", "/v1/token", {**ask, "subjectToken": subject})
    lab.google("POST", "oauth2.googleapis.com", "/token", b"grant_type=refresh_token&refresh_token=gone")
    machine = "/_google/metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/"
    for path in ("token", "?recursive=true"):
        lab.send("GET", machine + path, **{"Metadata-Flavor": "Google"})


def google_projects(lab):
    token, host = somebody(lab), "cloudresourcemanager.googleapis.com"
    lab.control("google_projects", organization="41", members=["ada@acme.example"], folders={"42": ["organizations/41", "ACTIVE"]}, billing={"0X0X0X-0X0X0X-0X0X0X": True})
    lab.google("GET", host, "/v3/folders/42", token=token)
    made = {"projectId": "acme-new", "displayName": "acme-new", "parent": "folders/42", "labels": {"a": "b"}}
    operation = lab.google("POST", host, "/v3/projects", made, token)[1]["name"]
    lab.google("GET", host, f"/v3/{operation}", token=token)
    lab.google("POST", host, "/v3/projects", made, token)
    found = lab.google("GET", host, "/v3/projects/acme-new", token=token)[1]["name"]
    bill = {"billingAccountName": "billingAccounts/0X0X0X-0X0X0X-0X0X0X"}
    lab.google("PUT", "cloudbilling.googleapis.com", "/v1/projects/acme-new/billingInfo", bill, token)
    enable = {"serviceIds": ["compute.googleapis.com"]}
    operation = lab.google("POST", "serviceusage.googleapis.com", "/v1/projects/acme-new/services:batchEnable", enable, token)[1]["name"]
    lab.google("GET", "serviceusage.googleapis.com", f"/v1/{operation}", token=token)
    names = "names=projects/acme-new/services/compute.googleapis.com"
    lab.google("GET", "serviceusage.googleapis.com", f"/v1/projects/acme-new/services:batchGet?{names}", token=token)
    for path in ("networks/default", "networks/none", "firewalls"):
        lab.google("GET", "compute.googleapis.com", f"/compute/v1/projects/acme-new/global/{path}", token=token)
    lab.google("DELETE", "compute.googleapis.com", "/compute/v1/projects/acme-new/global/firewalls/default-allow-icmp", token=token)
    lab.google("POST", host, "/v3/liens", {"parent": found, "restrictions": ["resourcemanager.projects.delete"], "origin": "lab", "reason": "lab"}, token)
    lab.google("GET", host, f"/v3/liens?parent={found}", token=token)
    budget = {"displayName": "x", "budgetFilter": {"projects": [found]}, "amount": {"specifiedAmount": {"currencyCode": "EUR", "units": "5"}}, "thresholdRules": [{"thresholdPercent": 0.5}]}
    lab.google("POST", "billingbudgets.googleapis.com", "/v1/billingAccounts/0X0X0X-0X0X0X-0X0X0X/budgets", budget, token)
    lab.google("GET", "billingbudgets.googleapis.com", f"/v1/billingAccounts/0X0X0X-0X0X0X-0X0X0X/budgets?scope={found}", token=token)
    lab.control("google_projects", organization="41", without=["resourcemanager.projects.get"])
    lab.google("GET", host, "/v3/projects/acme-new", token=token)


def google_storage(lab):
    token, host = somebody(lab), "storage.googleapis.com"
    lab.control("google", project="acme-dev", members=["ada@acme.example"])
    lab.control("google_storage", bucket="acme-state", project="acme-dev")
    lab.google("GET", host, "/storage/v1/b/acme-state", token=token)
    lab.google("POST", host, "/storage/v1/b?project=acme-dev", {"name": "acme-state", "versioning": {"enabled": True}}, token)
    lab.google("GET", host, "/storage/v1/b/acme-state?projection=noAcl", token=token)
    lab.google("PATCH", host, "/storage/v1/b/acme-state?ifMetagenerationMatch=7", {"labels": {"a": "b"}}, token)
    lab.google("PATCH", host, "/storage/v1/b/acme-state?ifMetagenerationMatch=1", {"labels": {"a": "b"}}, token)
    lab.google("GET", host, "/storage/v1/b/acme-state/iam/testPermissions?permissions=storage.objects.get&permissions=storage.objects.list", token=token)
    lab.google("POST", "cloudresourcemanager.googleapis.com", "/v3/projects/acme-dev:testIamPermissions", {"permissions": ["storage.buckets.create"]}, token)
    lab.control("google_storage", bucket="acme-state", fault={"verb": "GET", "part": "acme-state", "status": 429, "times": 1})
    lab.google("GET", host, "/storage/v1/b/acme-state", token=token)


# Requests with something that nobody has.
FORM = "application/x-www-form-urlencoded"
BAD = [
    ("s3", "GET", "/acme-state?driftedAway=1", None, ""),
    ("eks", "GET", "/clusters?driftedAway=1", None, ""),
    ("eks", "POST", "/clusters/acme/access-entries", {"principalArn": "arn:aws:iam::123456789012:role/a", "driftedAway": 1}, "application/json"),
    ("sts", "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15&DriftedAway=1", FORM),
    ("ec2", "POST", "/", b"Action=DescribeVpcs&Version=2016-11-15&Filter.1.DriftedAway=1", FORM),
    ("none", "GET", "/_google/container.googleapis.com/v1/projects/p/locations/-/clusters?driftedAway=1", None, ""),
    ("none", "POST", "/_google/cloudresourcemanager.googleapis.com/v3/projects", {"driftedAway": 1}, "application/json"),
    ("none", "POST", "/_google/oauth2.googleapis.com/token", b"grant_type=refresh_token&driftedAway=1", FORM),
]

# Not here: `google_by_hand`, which is no part of Google.
LAYERS = {
    function.__name__: function
    for function in (
        google_projects, google_storage, google, sso, keys, s3_buckets, s3_transport, s3_faults, eks, permissions, organizations, quotas,
    )
}

main()
