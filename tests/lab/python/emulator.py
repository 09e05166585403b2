"""The lab's AWS emulator: moto's server, mended where it differs from AWS in a way that this project meets, and inside
the layers of `additions`.

Arguments: `session` (outlives the starter) or `tied` (ends when standard input does), then those of `moto_server`.
`plain` is `tied` without the additions, in account 000000000000: what tests meet on somebody else's emulator.
The same emulator answers over TLS on a second port, with a certificate made at the start; `tls.json` in the working
folder names the port, and `tls-ca.pem` is the authority to trust.

Each mend names what AWS does (API reference) and what moto 5.2.5 does instead. A mend whose target is gone fails the
start: then moto has changed and the mend has to be looked at again.
"""

import json
import os
import sys
import threading
from xml.sax.saxutils import escape

import certificate


def mend_versioning():
    """S3 GetBucketVersioning answers `VersioningConfiguration`; moto answers `GetBucketVersioningResponse`, which
    clients that check the root element refuse."""
    from moto.s3.responses import S3Response

    assert S3Response.get_bucket_versioning

    def get_bucket_versioning(self):
        status = self.backend.get_bucket_versioning(self.bucket_name)
        inner = f"<Status>{escape(status)}</Status>" if status else ""
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</VersioningConfiguration>'
        )
        return 200, {"Content-Type": "application/xml"}, xml

    S3Response.get_bucket_versioning = get_bucket_versioning


def mend_delete_markers():
    """S3 DeleteObject with a version id removes a delete marker; moto fails with 500, because it tries to free the
    memory of a marker that has none."""
    from moto.s3.models import FakeDeleteMarker

    assert not hasattr(FakeDeleteMarker, "dispose")
    FakeDeleteMarker.dispose = lambda self, garbage=False: None


def mend_table_keys():
    """DynamoDB UpdateTable with an SSESpecification encrypts the table by another key; moto leaves it as it was."""
    from moto.dynamodb.responses import DynamoHandler

    asked = DynamoHandler.update_table

    def update_table(self):
        if self.body.get("SSESpecification"):
            self.dynamodb_backend.get_table(self.body["TableName"]).sse_specification = self.body["SSESpecification"]
        return asked(self)

    DynamoHandler.update_table = update_table


def mend_regions():
    """EC2 DescribeRegions tells the regions of the caller's partition; moto tells those of every partition, where the
    caller's keys are worth nothing."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    ours = [r for r in RegionsAndZonesBackend.regions if not r.name.startswith(("us-gov-", "cn-"))]
    assert 0 < len(ours) < len(RegionsAndZonesBackend.regions)
    RegionsAndZonesBackend.regions = ours


def with_underscores(handler):
    """The token of IAM Identity Center comes in a header with an underscore in its name (`x-amz-sso_bearer_token`), and
    werkzeug leaves such headers out."""

    class Handler(handler):
        def make_environ(self):
            environ = super().make_environ()
            for name, value in self.headers.items():
                if "_" in name:
                    environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
            return environ

    return Handler


def also_over_tls(app, handler):
    """The same application on a port of its own, over TLS."""
    from werkzeug.serving import make_server

    folder = os.getcwd()
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=certificate.made_in(folder), request_handler=handler)
    with open(os.path.join(folder, "tls.json"), "w") as out:
        json.dump({"port": server.server_port}, out)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    if sys.argv[1] == "session":
        os.setsid()
    else:

        def end_with_parent():
            sys.stdin.buffer.read()
            os._exit(0)

        threading.Thread(target=end_with_parent, daemon=True).start()
    mend_versioning()
    mend_delete_markers()
    mend_table_keys()
    mend_regions()
    import moto.server

    if sys.argv[1] == "plain":
        os.environ["MOTO_ACCOUNT_ID"] = "000000000000"
        return moto.server.main(sys.argv[2:])
    from additions import wrapped

    run = moto.server.run_simple

    def run_both(host, port, app, request_handler, **rest):
        whole, request_handler = wrapped(app), with_underscores(request_handler)
        also_over_tls(whole, request_handler)
        run(host, port, whole, request_handler=request_handler, **rest)

    moto.server.run_simple = run_both
    moto.server.main(sys.argv[2:])


main()
