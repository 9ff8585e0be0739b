"""COMPRESS: what is compressed, and that no stream is held back."""

import pytest

from .applications import STREAMS
from .conftest import addresses, client

MODULE = "tests.stack.applications:ordinary"
ENCODINGS = ("gzip", "br", "zstd", "gzip, deflate, br, zstd")
DECODED = ("gzip", "gzip, deflate, br, zstd")  # by a client that has no other decoder


@pytest.fixture(params=["true", "false"])
def compresses(served, request) -> bool:
    served.must("up", APP_MODULE=MODULE, COMPRESS=request.param)
    return request.param == "true"


def test_text_is_compressed_and_a_stream_is_not_held_back(served, compresses):
    with client(served) as http:
        for url in addresses(served):
            for accepted in ENCODINGS:
                headers = {"Accept-Encoding": accepted}
                long = http.get(f"{url}/long?kind=application/json", headers=headers)
                assert accepted not in DECODED or long.text.count("a line of it") == 1000
                coding = accepted.partition(",")[0] if compresses else None
                assert long.headers.get("content-encoding") == coding
                for kind in STREAMS if accepted in DECODED else STREAMS[:3]:
                    with http.stream("GET", f"{url}/stream?kind={kind}", headers=headers) as answer:
                        if kind in STREAMS[:3]:
                            assert "content-encoding" not in answer.headers
                        pieces = answer.iter_text()
                        # The second piece is sent only once this client has the first.
                        assert next(pieces) == "data: first\n\n", (kind, accepted)
                        http.get(f"{url}/seen")
                        assert "".join(pieces) == "data: second\n\n"
