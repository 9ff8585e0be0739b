"""`python -m serve.healthcheck URL`: exit 0 while a server answers there below 500."""

import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    # No proxy from the environment: this asks the container's own server.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        status = opener.open(url, timeout=2).status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        print(f"no answer: {error}")
        return 1
    print(status)
    return 0 if status < 500 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
