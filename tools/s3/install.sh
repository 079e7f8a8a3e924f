#!/usr/bin/env bash
# Installs an object store for the tests, once, and prints the program that starts it.
#
#   tools/s3/install.sh versitygw   Go, Apache-2.0: checks signatures and checksums, its conditions are atomic. Takes minutes.
#   tools/s3/install.sh moto        Python, Apache-2.0: a second implementation, which checks neither.
#
# Both lie in the user's cache, where tests/support/s3_server.ts looks for them. They listen on loopback alone.
set -euo pipefail
versitygw=v1.8.0 moto=5.2.5
cache="${XDG_CACHE_HOME:-$HOME/.cache}/smalti/s3"
mkdir -p "$cache"

case "${1:-}" in
  versitygw)
    place="$cache/versitygw-$versitygw" program="$cache/versitygw-$versitygw/versitygw"
    [[ -x "$program" ]] || GOBIN="$place" GOFLAGS=-buildvcs=false \
      go install -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@$versitygw" >&2
    ;;
  moto)
    place="$cache/moto-$moto" program="$cache/moto-$moto/bin/moto_server"
    if ! "$place/bin/python" -c "import moto.server" 2>/dev/null; then
      python3 -m venv --clear "$place"
      "$place/bin/python" -m pip install --quiet --disable-pip-version-check "moto[s3,server]==$moto" >&2
    fi
    ;;
  *)
    echo "usage: tools/s3/install.sh versitygw|moto" >&2
    exit 2
    ;;
esac
# What the tests start, whatever its version.
ln -sfn "$program" "$cache/$1"
echo "$cache/$1"
