#!/usr/bin/env bash
# The README's curl commands against a running deployment: each printed with its response, each
# asserted. Reads PROXY_URL, TLS_URL, DIRECT_URL (an empty one is skipped) and CA_FILE; where the
# application is not the demonstration (and DEMO does not say it must be), /openapi.json is requested.
set -u
answered='a response of the application: 200; 401, 403 or 421 of a login or a list of hosts; its own 404'
marker='x-demonstration: fastapi-behind-traefik' # app/marker.py sets it
prefix=$(printf %s "${PROXY_URL:-$TLS_URL}" | sed -E 's#^[a-z]+://[^/]*##')
passed=0 failed=0 follow=()
# curl's own configuration and a company's proxy must not answer for the stack.
ask() { curl --disable --noproxy '*' --silent --show-error --max-time 10 "$@"; }

# try WHAT-TO-EXPECT curl-arguments…: the response's status line, Location and body, on one line each
try() {
  expected=$1
  shift
  printf '$ curl -i'
  printf ' %s' "$@"
  answer=$(ask -i "$@" 2>&1 | tr -d '\r' | grep -iE '^(HTTP/|location:|curl:)|^[^:]*$|^\{' |
    cut -c1-200 | grep -v '^$')
  printf '\n%s\n' "$answer"
  if [ "$expected" = "$answered" ]; then
    expected=$(printf '%s\n' "$answer" | grep -oE '^HTTP/[0-9.]+ (200|401|403|404|421)' | tail -n 1)
    case $answer in *'404 page not found'*) expected='' ;; esac # Traefik's own
  fi
  case ${answer:-nothing} in
    *"${expected:-$answered}"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); printf '  FAILED: expected %s\n' "${expected:-$answered}" ;;
  esac
  printf '\n'
}

hello="{\"message\":\"Hello World\",\"root_path\":\"$prefix\"}" page=app
if [ -z "${DEMO:-}" ]; then
  case $(for url in "${PROXY_URL:-}" "${TLS_URL:-}" "${DIRECT_URL:-}"; do
    [ -z "$url" ] || ask --include --insecure "$url/app" | tr -d '\r'
  done 2>/dev/null | grep -ix "$marker") in
    ?*) ;;
    *)
      hello='"openapi":' page=openapi.json
      case $(ask --insecure "${PROXY_URL:-$TLS_URL}/$page" 2>/dev/null) in
        *"$hello"*) echo "not the demonstration: the schema is requested" ;;
        *)
          page=${ANSWERS:-/} hello=$answered
          page=${page#/} follow=(--location --max-redirs 5)
          echo "not the demonstration, and no schema: /$page is requested" ;;
      esac ;;
  esac
fi
for url in "${PROXY_URL:-}" "${TLS_URL:-}"; do
  [ -n "$url" ] || continue
  ca=()
  case $url in https:*) [ -z "${CA_FILE:-}" ] || ca=(--cacert "$CA_FILE") ;; esac
  try "$hello" ${ca[@]+"${ca[@]}"} ${follow[@]+"${follow[@]}"} "$url/$page"
  [ "$page" != app ] || try "ocation: $url/items/" ${ca[@]+"${ca[@]}"} "$url/items"
  [ -z "$prefix" ] || [ "$prefix" = "/$page" ] || try ' 404' ${ca[@]+"${ca[@]}"} "${url%"$prefix"}/$page"
done
if [ -n "${DIRECT_URL:-}" ]; then
  # Without a schema the application's pages may lead anywhere but through the prefix here.
  [ "$hello" = "$answered" ] || try "$hello" "$DIRECT_URL/$page"
  if [ "${STRIP_PREFIX:-true}" = false ]; then
    try "$hello" "$DIRECT_URL$prefix/$page"
  elif [ -n "$prefix" ] && [ "$hello" != "$answered" ]; then
    # A page application answers every path that it does not know with its page.
    case $(ask --output /dev/null --write-out '%{http_code}' "$DIRECT_URL/no-such-path/$page") in
      200) ;;
      *) try ' 404' "$DIRECT_URL$prefix/$page" ;;
    esac
  fi
fi
echo "curl: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
