"""The lab's AWS emulator: moto's server, mended where it differs from AWS in a way that this project meets, and inside
the layers of `additions`.

Arguments: `session` (outlives the starter) or `tied` (ends when standard input does), then those of `moto_server`.

Each mend names what AWS does (API reference) and what moto 5.2.5 does instead. A mend whose target is gone fails the
start: then moto has changed and the mend has to be looked at again.
"""

import os
import sys
import threading
from xml.sax.saxutils import escape


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
    import moto.server
    from additions import wrapped

    run = moto.server.run_simple
    moto.server.run_simple = lambda host, port, app, **rest: run(host, port, wrapped(app), **rest)
    moto.server.main(sys.argv[2:])


main()
