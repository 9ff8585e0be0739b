"""Draws docs/way-light.svg and docs/way-dark.svg: `python docs/way.py`."""

from pathlib import Path

HERE = Path(__file__).parent
THEMES = {
    "light": {
        "ink": "#1f2328",
        "soft": "#59636e",
        "line": "#818b98",
        "box": "#f6f8fa",
        "public": "#0969da",
        "direct": "#9a6700",
    },
    "dark": {
        "ink": "#f0f6fc",
        "soft": "#9198a1",
        "line": "#656c76",
        "box": "#161b22",
        "public": "#58a6ff",
        "direct": "#d29922",
    },
}
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 330" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" role="img" aria-label="The way of a request through both entrypoints">
<defs>
<marker id="public" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{public}"/></marker>
<marker id="direct" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{direct}"/></marker>
</defs>
{boxes}
{arrows}
</svg>
"""


def box(x: int, y: int, width: int, height: int, title: str, lines: list[str]) -> str:
    text = f'<text x="{x + 14}" y="{y + 26}" fill="{{ink}}" font-weight="bold">{title}</text>' + "".join(
        f'<text x="{x + 14}" y="{y + 50 + 19 * n}" fill="{{soft}}" font-size="12">{line}</text>'
        for n, line in enumerate(lines)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{{box}}" stroke="{{line}}"/>'
        f"{text}"
    )


def arrow(kind: str, path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="{{{kind}}}" stroke-width="2" marker-end="url(#{kind})"/>'


def label(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{{{kind}}}" font-size="12">{text}</text>'


BOXES = [
    box(10, 30, 130, 70, "a browser", ["anywhere"]),
    box(10, 240, 130, 70, "you", ["on this machine"]),
    box(
        260,
        10,
        240,
        180,
        "Traefik",
        [
            "Host is one of PUBLIC_HOSTS",
            "strips /api/v1",
            "X-Forwarded-For   the client",
            "X-Forwarded-Proto https",
            "X-Forwarded-Prefix /api/v1",
            "removes what a client invents",
        ],
    ),
    box(
        610,
        10,
        160,
        180,
        "Uvicorn",
        [
            "--root-path /api/v1",
            "path: /api/v1/app",
            "trusts Traefik&#8217;s",
            "address, nobody",
            "else&#8217;s",
        ],
    ),
    box(850, 10, 100, 180, "FastAPI", ["route /app", "", "url_for:", "https://…", "/api/v1/app"]),
]
ARROWS = [
    arrow("public", "M140 65H258"),
    label(146, 50, "GET", "public"),
    label(146, 86, "/api/v1/app", "public"),
    label(146, 122, ":9999  http", "soft"),
    label(146, 140, ":9443  https", "soft"),
    arrow("public", "M500 65H608"),
    label(512, 50, "GET /app", "public"),
    arrow("public", "M770 65H848"),
    label(778, 50, "scope", "public"),
    arrow("direct", "M140 275H690V192"),
    label(160, 264, "GET /app", "direct"),
    label(
        160,
        298,
        "127.0.0.1:8000 &#160; the direct entrypoint: no prefix, no forwarded header trusted",
        "soft",
    ),
]

for name, colours in THEMES.items():
    picture = SVG.replace("{boxes}", "\n".join(BOXES)).replace("{arrows}", "\n".join(ARROWS))
    for key, colour in colours.items():
        picture = picture.replace(f"{{{key}}}", colour)
    (HERE / f"way-{name}.svg").write_text(picture)
