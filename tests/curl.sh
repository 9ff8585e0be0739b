#!/usr/bin/env bash
# The README's curl commands against a running deployment: each printed with its answer, each
# asserted. Reads PROXY_URL, TLS_URL, DIRECT_URL (an empty one is skipped) and CA_FILE.
set -u
prefix=$(printf %s "${PROXY_URL:-$TLS_URL}" | sed -E 's#^[a-z]+://[^/]*##')
passed=0 failed=0
# curl's own configuration and a company's proxy must not answer for the stack.
ask() { curl --disable --noproxy '*' --silent --show-error --max-time 10 "$@"; }

# try WHAT-TO-EXPECT curl-arguments…: the answer's status line, Location and body, on one line each
try() {
  expected=$1
  shift
  printf '$ curl -i'
  printf ' %s' "$@"
  answer=$(ask -i "$@" 2>&1 | tr -d '\r' | grep -iE '^(HTTP/|location:|curl:)|^[^:]*$|^\{' | grep -v '^$')
  printf '\n%s\n' "$answer"
  case $answer in
    *"$expected"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); printf '  FAILED: expected %s\n' "$expected" ;;
  esac
  printf '\n'
}

hello="{\"message\":\"Hello World\",\"root_path\":\"$prefix\"}"
for url in "${PROXY_URL:-}" "${TLS_URL:-}"; do
  [ -n "$url" ] || continue
  ca=()
  case $url in https:*) [ -z "${CA_FILE:-}" ] || ca=(--cacert "$CA_FILE") ;; esac
  try "$hello" ${ca[@]+"${ca[@]}"} "$url/app"
  try "ocation: $url/items/" ${ca[@]+"${ca[@]}"} "$url/items"
  try ' 404' ${ca[@]+"${ca[@]}"} "${url%"$prefix"}/app"
done
if [ -n "${DIRECT_URL:-}" ]; then
  try "$hello" "$DIRECT_URL/app"
  if [ "${STRIP_PREFIX:-true}" = false ]; then
    try "$hello" "$DIRECT_URL$prefix/app"
  else
    try ' 404' "$DIRECT_URL$prefix/app"
  fi
fi
echo "curl: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
