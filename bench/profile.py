"""Where Traefik's processor time goes: its own profile (Go's pprof), under full load.

The profile is a gzipped protocol buffer: https://github.com/google/pprof/blob/main/proto/profile.proto.
"""

import gzip
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import generators
from .generators import Load
from .subjects import ours

SECONDS = 10
STATIC, ROUTES = "traefik/traefik.toml", "traefik/dynamic/routes.toml"
PATCHES = {
    STATIC: ("ping =", "api = {debug = true, dashboard = false}\nping ="),
    ROUTES: (
        "[http.routers.ping]\n",
        '[http.routers.profile]\n  entryPoints = ["ops"]\n  rule = "PathPrefix(`/debug`)"\n'
        '  service = "api@internal"\n[http.routers.ping]\n',
    ),
}
# The first that a stack has, from its innermost function outwards, is what a sample counts as.
PARTS = (
    ("memory: allocation and collection", ("runtime.mallocgc", "runtime.gcBgMarkWorker", "runtime.bgsweep")),
    ("access log", ("middlewares/accesslog", "sirupsen/logrus")),
    ("metrics", ("middlewares/metrics", "prometheus/client_golang")),
    ("retry", ("middlewares/retry",)),
    ("header deletion", ("middlewares/headers",)),
    ("prefix and encoded characters", ("middlewares/stripprefix", "middlewares/replacepath", "encodedchar")),
    ("router", ("pkg/muxer", "traefik/mux")),
    ("load balancer and health", ("pkg/server/service/loadbalancer", "pkg/healthcheck")),
    ("to the application: net/http's transport", ("net/http.(*Transport)", "net/http.(*persistConn)")),
    ("reverse proxy", ("net/http/httputil", "pkg/proxy")),
    ("to the client: net/http's server", ("net/http.(*conn)", "net/http.(*response)")),
    ("waiting and waking", ("runtime.schedule", "runtime.mcall", "runtime.findRunnable", "runtime.netpoll")),
)


def traefik(progress: Callable[[str], None]) -> dict[str, str]:
    """The share of each part, its samples counted where they were taken; then the system calls' alone."""
    with ours("profile", PATCHES, PROBE=0) as stack, ThreadPoolExecutor(1) as pool:
        load = pool.submit(generators.run, stack.urls["http"], Load(), SECONDS + 4)
        progress("traefik: its profile")
        url = f"http://127.0.0.1:{stack.ops}/debug/pprof/profile?seconds={SECONDS}"
        with urllib.request.urlopen(url, timeout=SECONDS + 20) as response:
            profile = read(gzip.decompress(response.read()))
        load.result()
    counts: Counter[str] = Counter()
    for stack_names, count in profile:
        counts[part_of(stack_names)] += count
        if any(name.startswith("syscall.") or "/syscall." in name for name in stack_names[:3]):
            counts["of all: system calls"] += count
    total = sum(count for _, count in profile)
    return {part: f"{count / total:.1%}" for part, count in counts.most_common()}


def part_of(stack: list[str]) -> str:
    """Return what a stack, innermost function first, counts as."""
    for name in stack:
        for part, words in PARTS:
            if any(word in name for word in words):
                return part
    return "other"


def read(content: bytes) -> list[tuple[list[str], int]]:
    """Return each stack, innermost function first, and how often it was met."""
    profile = _message().FromString(content)
    names = {one.id: profile.string_table[one.name] for one in profile.function}
    places = {one.id: [names[line.function_id] for line in one.line] for one in profile.location}
    return [
        ([name for place in sample.location_id for name in places[place]], sample.value[0])
        for sample in profile.sample
    ]


# Of each message what is read here: name, number, type.
FIELDS = {
    "Line": [("function_id", 1, "uint64")],
    "Function": [("id", 1, "uint64"), ("name", 2, "int64")],
    "Location": [("id", 1, "uint64"), ("line", 4, "Line")],
    "Sample": [("location_id", 1, "uint64s"), ("value", 2, "int64s")],
    "Profile": [
        ("sample", 2, "Sample"),
        ("location", 4, "Location"),
        ("function", 5, "Function"),
        ("string_table", 6, "strings"),
    ],
}


def _message() -> type:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", syntax="proto3")
    for message, fields in FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            repeated = kind in FIELDS or kind.endswith("s")
            one = described.field.add(name=name, number=number, label=3 if repeated else 1)
            if kind in FIELDS:
                one.type, one.type_name = one.TYPE_MESSAGE, f".{kind}"
            else:
                one.type = getattr(one, f"TYPE_{kind.removesuffix('s').upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Profile"))
