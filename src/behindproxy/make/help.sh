#!/bin/sh
# Prints the targets of the makefiles named, grouped.
exec awk '/^##@/ {printf "\n%s\n", substr($0, 5)}
  /^[a-z-]+:.*## / {split($0, part, ":.*## "); printf "  make %-13s %s\n", part[1], part[2]}' "$@"
