"""A target of the suite that no command line made."""

from behindproxy.contract.engine.target import Target


def target(http_url: str, **more) -> Target:
    """Return one of an application at `http_url` that nothing is known of; `more` are other fields of it."""
    fields = {
        "https_url": "",
        "direct_url": "",
        "runtime": "remote",
        "server": "",
        "given_strip": True,
        "fast": True,
        "unsafe": False,
        "probe": "off",
        "application": "auto",
        "ca_file": "",
        "root_path_in_servers": True,
        "extra_servers": None,
        "trusted_proxies": [],
        "versions": {},
    }
    return Target(http_url=http_url, **fields | more)
