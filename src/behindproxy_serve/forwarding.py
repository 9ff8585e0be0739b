"""Names of headers that a proxy writes and a client must not.

traefik/dynamic/middlewares.toml deletes a client's: a unit test compares the two.
"""

# Traefik's own: it deletes a client's by itself, and writes most of them.
WRITTEN = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Method",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Forwarded-Uri",
    "X-Real-Ip",
)
# The way that a request has come.
WAY = (
    "Cf-Connecting-Ip",
    "Forwarded",
    "Front-End-Https",
    "Script-Name",
    "True-Client-Ip",
    "X-Client-Ip",
    "X-Cluster-Client-Ip",
    "X-Forwarded-By",
    "X-Forwarded-Path",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Original-Host",
    "X-Original-Url",
    "X-Rewrite-Url",
    "X-Scheme",
    "X-Script-Name",
)
# Who sent it, as an authentication in front says: oauth2-proxy, Authelia, authentik and others.
IDENTITY = (
    "Remote-Email",
    "Remote-Groups",
    "Remote-Name",
    "Remote-User",
    "X-Auth-Request-Access-Token",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Redirect",
    "X-Auth-Request-User",
    "X-Authenticated-User",
    "X-Authentik-Email",
    "X-Authentik-Entitlements",
    "X-Authentik-Groups",
    "X-Authentik-Jwt",
    "X-Authentik-Meta-App",
    "X-Authentik-Meta-Jwks",
    "X-Authentik-Meta-Outpost",
    "X-Authentik-Meta-Provider",
    "X-Authentik-Meta-Version",
    "X-Authentik-Name",
    "X-Authentik-Uid",
    "X-Authentik-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-User",
    "X-Remote-Group",
    "X-Remote-User",
    "X-Webauth-User",
)
SCRUBBED = (*WAY, *IDENTITY)
