"""This machine: its addresses, who listens, its firewall, whose cloud it is, who sits at it."""

import contextlib
import json
import os
import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from .addresses import in_url
from .facts import Address, Listener, Person, Rule

SECONDS = 1.0  # for a command
BRIDGE = re.compile(r"docker\d|docker_gwbridge|br-[0-9a-f]{12}|veth|cni|podman")

# What the firmware says of itself, readable by every user.
CLOUDS = [
    ("sys_vendor", "Amazon EC2", "EC2"),
    ("bios_vendor", "Amazon EC2", "EC2"),
    ("product_name", "Google Compute Engine", "Google Cloud"),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "Azure"),
    ("chassis_asset_tag", "OracleCloud.com", "Oracle Cloud"),
    ("sys_vendor", "DigitalOcean", "DigitalOcean"),
    ("sys_vendor", "Hetzner", "Hetzner Cloud"),
    ("sys_vendor", "Alibaba Cloud", "Alibaba Cloud"),
    ("sys_vendor", "Akamai", "Akamai (Linode)"),
    ("sys_vendor", "Linode", "Akamai (Linode)"),
    ("sys_vendor", "Vultr", "Vultr"),
    ("sys_vendor", "Scaleway", "Scaleway"),
    ("product_name", "OpenStack", "an OpenStack cloud"),
]

# A folder of the editor's server, in what it leaves in a terminal's environment or runs as.
EDITORS = [
    (".vscode-server-insiders", "VS Code Remote-SSH"),
    (".vscode-server", "VS Code Remote-SSH"),
    (".cursor-server", "Cursor Remote-SSH"),
    (".windsurf-server", "Windsurf Remote-SSH"),
    (".vscodium-server", "VSCodium Remote-SSH"),
]


def addresses() -> list[Address]:
    result = []
    for interface, all_ in psutil.net_if_addrs().items():
        for one in all_:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                text = one.address.split("%")[0]
                result.append(Address(text, interface, bool(BRIDGE.match(interface))))
    return sorted(result, key=lambda a: (a.containers, a.interface, ":" in a.text, a.text))


def listeners() -> tuple[list[Listener], bool]:
    """Every listening TCP socket that can be seen, and whether each one's process can be."""
    try:
        result = _listening([(one, one.pid) for one in psutil.net_connections("tcp")])
        return result, all(listener.pid for listener in result)
    except (psutil.AccessDenied, PermissionError):  # macOS, without root: this user's alone
        pairs = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                pairs += [(one, process.pid) for one in process.net_connections("tcp")]
        return _listening(pairs), False


def _listening(pairs: Sequence[tuple[Any, int | None]]) -> list[Listener]:
    result: dict[tuple[str, int], Listener] = {}
    for one, pid in pairs:
        if one.status != psutil.CONN_LISTEN:
            continue
        command = state = program = ""
        if pid:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                program = process.name()
                command = shown(process.cmdline()) or program
                state = process.status()
                program = Path(process.exe()).name or program
        key = (one.laddr.ip, one.laddr.port)
        # Workers share their parent's socket; the parent came first and names it.
        if key not in result or (pid or 0) < (result[key].pid or 0):
            address = one.laddr.ip.split("%")[0]
            result[key] = Listener(address, one.laddr.port, pid, command, state, program)
    return [result[key] for key in sorted(result, key=lambda k: (k[1], k[0]))]


def connecting(port: int) -> set[tuple[Any, str]]:
    """Return the connections that the processes that listen at `port` try to make at this moment: their own
    end, and the address at the other."""
    try:
        all_ = psutil.net_connections("tcp")
    except (psutil.Error, PermissionError):
        return set()
    listens = {
        one.pid for one in all_ if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port
    }
    return {
        (one.laddr, f"{in_url(one.raddr.ip)}:{one.raddr.port}")
        for one in all_
        if one.status == psutil.CONN_SYN_SENT and one.raddr and one.pid in listens - {None}
    }


def no_neighbour(address: str) -> bool:
    """Whether the kernel has looked for `address` in this machine's own network, and nobody there has it."""
    entry = _run("ip", "neigh", "show", "to", address)
    return "FAILED" in entry or "INCOMPLETE" in entry


def shown(command: list[str]) -> str:
    """As a person typed it: `fastapi dev main.py`, not the interpreter and the folders before it."""
    if len(command) > 1 and re.match(r"python[\d.]*$", Path(command[0]).name):
        options = [word for word in command[1:] if word not in ("-B", "-u", "-I")]
        if options and not options[0].startswith("-"):
            command = options
    # nginx pads its title with blanks.
    return " ".join(" ".join([Path(command[0]).name, *command[1:]]).split()) if command else ""


def cloud() -> tuple[str, str]:
    """Whose cloud this machine is in and the file that says so; empty where none does."""
    folder = Path(os.environ.get("DMI_DIR", "/sys/class/dmi/id"))
    for name, words, who in CLOUDS:
        with contextlib.suppress(OSError):
            if words in (folder / name).read_text():
                return who, f"{folder / name}: {words}"
    with contextlib.suppress(OSError):
        if Path("/sys/hypervisor/uuid").read_text().startswith("ec2"):
            return "EC2", "/sys/hypervisor/uuid: ec2…"
    return "", ""


def person(environ: Mapping[str, str] | None = None) -> Person:
    """Judged by the environment, then by the processes above this one (sudo clears the first)."""
    environ = os.environ if environ is None else environ
    ssh = environ.get("SSH_CONNECTION", "").split(" ")[0]
    if not ssh and (above := _above("sshd")):
        ssh = _client_of(above)
    if environ.get("CODESPACES") == "true":
        return Person(ssh, "Codespaces", "CODESPACES=true", True, _source())
    if environ.get("REMOTE_CONTAINERS") == "true":
        return Person(ssh, "a dev container", "REMOTE_CONTAINERS=true", True, _source())
    if not ssh and (environ.get("WSL_DISTRO_NAME") or _kernel_is_wsl()):
        return Person(ssh, "WSL", "WSL_DISTRO_NAME or the kernel's name", True)
    for key in ("VSCODE_GIT_ASKPASS_NODE", "VSCODE_GIT_ASKPASS_MAIN", "BROWSER", "PATH"):
        for folder, name in EDITORS:
            if folder in environ.get(key, ""):
                return Person(ssh, name, f"{key} has {folder}", True, _source(folder))
    # The hook is in remote terminals alone (microsoft/vscode#150372), TERM_PROGRAM in each.
    if environ.get("VSCODE_IPC_HOOK_CLI") or (ssh and environ.get("TERM_PROGRAM") == "vscode"):
        return Person(ssh, EDITORS[1][1], "TERM_PROGRAM or VSCODE_IPC_HOOK_CLI", True, _source())
    if ssh and (running := _editor_server()):
        folder, name = running
        return Person(ssh, name, f"a process in {folder} is running", True, _source(folder))
    return Person(ssh)


def _above(name: str) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        for parent in psutil.Process().parents():
            if parent.name().startswith(name):
                return parent
    return None


def _client_of(sshd: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        for one in sshd.net_connections("tcp"):
            if one.raddr:
                return str(one.raddr.ip)
    return "an address that only root can see"


def _kernel_is_wsl() -> bool:
    with contextlib.suppress(OSError):
        return "microsoft" in Path("/proc/version").read_text().lower()
    return False


def _editor_server() -> tuple[str, str] | None:
    user = psutil.Process().username()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.username() == user:
                command = " ".join(process.cmdline()[:2])
                for folder, name in EDITORS:
                    if f"/{folder}/" in command:
                        return folder, name
    return None


def _source(folder: str = ".vscode-server") -> str:
    """remote.autoForwardPortsSource of the editor's settings on this machine; the file may have
    comments, so it is searched and not parsed."""
    path = Path.home() / folder / "data" / "Machine" / "settings.json"
    with contextlib.suppress(OSError):
        text = path.read_text()
        if re.search(r'^\s*"remote\.autoForwardPorts"\s*:\s*false', text, re.MULTILINE):
            return "off"
        if match := re.search(r'^\s*"remote\.autoForwardPortsSource"\s*:\s*"(\w+)"', text, re.MULTILINE):
            return match[1]
    return ""


def firewall() -> tuple[list[Rule] | None, str]:
    """Return the rules that keep new TCP connections out, and the firewall's name; or None and the reason."""
    if os.uname().sysname != "Linux":
        return None, "read only on Linux; on macOS see System Settings, Network, Firewall"
    if os.geteuid() != 0:
        also = ""
        if _ufw_on():
            also = "; ufw is installed and on"
        elif Path("/etc/firewalld/firewalld.conf").exists():
            also = "; firewalld is installed"
        return None, f"its rules are root's to read: sudo make doctor{also}"
    rules, names = [], []
    if text := _run("iptables", "-S"):
        names.append("iptables")
        rules += iptables(text)
    if text := _run("nft", "-j", "list", "ruleset"):
        names.append("nft")
        rules += nft(json.loads(text))
    if not names:
        return None, "neither iptables nor nft is installed"
    # iptables of today writes into nft's tables, so each rule may come twice.
    once = {(r.port, r.excepted, r.forwarded): r for r in reversed(rules)}
    return list(reversed(once.values())), " and ".join(names)


def _ufw_on() -> bool:
    with contextlib.suppress(OSError):
        return bool(re.search(r"^ENABLED=yes", Path("/etc/ufw/ufw.conf").read_text(), re.MULTILINE))
    return False


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def iptables(text: str) -> list[Rule]:
    """Return what INPUT, DOCKER-USER and the chains they jump to drop or reject, of `iptables -S`."""
    chains: dict[str, list[str]] = {}
    policy = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["-P"]:
            policy[words[1]] = words[2]
        elif words[:1] == ["-A"]:
            chains.setdefault(words[1], []).append(line)
    result: list[Rule] = []
    for start in ("INPUT", "DOCKER-USER"):
        accepted: set[int | None] = set()
        todo, visits = [start], set()
        while todo:
            chain = todo.pop(0)
            if chain in visits:
                continue
            visits.add(chain)
            for line in chains.get(chain, []):
                target = re.search(r"-[jg] (\S+)", line)
                if not target or re.search(r"-i lo\b|-s \S+|--ctstate (?!.*NEW)|-p (udp|icmp)", line):
                    continue
                port = re.search(r"--dports? ([\d,]+)", line)
                ports = [int(p) for p in port[1].split(",")] if port else [None]
                if target[1] == "ACCEPT":
                    accepted.update(ports)
                elif target[1] in ("DROP", "REJECT"):
                    result += [
                        Rule(p, line, start != "INPUT", frozenset(accepted) if p is None else frozenset())
                        for p in ports
                        if not {p, None} & accepted
                    ]
                elif target[1] in chains:
                    todo.append(target[1])
        if policy.get(start) == "DROP" and None not in accepted:
            result.append(Rule(None, f"-P {start} DROP", start != "INPUT", frozenset(accepted)))
    return result


def nft(ruleset: dict[str, Any]) -> list[Rule]:
    """Return what base chains with the hook `input` drop or reject, of `nft -j list ruleset`."""
    items = ruleset.get("nftables", [])
    bases = {
        (c["family"], c["table"], c["name"]): c
        for i in items
        if (c := i.get("chain")) and c.get("hook") == "input"
    }
    result, accepted = [], set[int | None]()
    for item in items:
        rule = item.get("rule")
        if not rule or (rule["family"], rule["table"], rule["chain"]) not in bases:
            continue
        port, verdict, narrower = None, "", False
        for expression in rule["expr"]:
            match = expression.get("match")
            if match:
                field = match["left"].get("payload", {}) if isinstance(match["left"], dict) else {}
                if field.get("protocol") == "tcp" and field.get("field") == "dport":
                    port = match["right"]
                else:
                    narrower = True
            verdict = next((v for v in ("drop", "reject", "accept") if v in expression), verdict)
        ports = port.get("set", []) if isinstance(port, dict) else [port]
        if not verdict or narrower or not all(p is None or isinstance(p, int) for p in ports):
            continue
        if verdict == "accept":
            accepted.update(ports)
        else:
            text = f"nft: table {rule['table']}, chain {rule['chain']}: tcp dport {port} {verdict}"
            result += [
                Rule(p, text, excepted=frozenset(accepted) if p is None else frozenset())
                for p in ports
                if not {p, None} & accepted
            ]
    for chain in bases.values():
        if chain.get("policy") == "drop":
            text = f"nft: table {chain['table']}, chain {chain['name']}: policy drop"
            result.append(Rule(None, text, excepted=frozenset(accepted)))
    return result
