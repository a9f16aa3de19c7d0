#!/bin/sh
# Installs Chromium for the browser tests from Debian's packages, if it is
# missing and this may be done here. Without it those tests are skipped.
set -eu
for name in chromium chromium-browser google-chrome; do
	if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo 'no Chromium: the browser tests are skipped. On Debian: apt-get install chromium fonts-noto-cjk' >&2
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
echo 'installing Chromium for the browser tests'
(apt-get install -y --no-install-recommends chromium fonts-noto-cjk || {
	apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-cjk
}) >/dev/null
