#!/bin/sh
# Installs Chromium for the browser tests from Debian's packages, if it is
# missing and this may be done here: on a terminal it asks. Without a browser
# those tests are skipped, and fail only where CI is set.
set -eu
for name in chromium chromium-browser google-chrome; do
	if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
packages='chromium fonts-noto-cjk'

skip() {
	echo "no Chromium, so the browser tests are skipped: $1" >&2
	exit 0
}
if [ -n "${NO_INSTALL:-}" ]; then skip 'NO_INSTALL is set'; fi
if ! command -v apt-get >/dev/null 2>&1; then skip 'there is no apt-get to install it with'; fi
if [ "$(id -u)" != 0 ]; then skip "only root may install it: apt-get install $packages"; fi

echo "the browser tests need Chromium: apt-get installs $packages on this system (NO_INSTALL=1 does without)" >&2
if [ -t 0 ]; then
	printf 'install them now? [y/N] ' >&2
	read -r answer || answer=
	case $answer in [yY]*) ;; *) skip 'not wanted' ;; esac
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends $packages >/dev/null; }
install || { apt-get update >/dev/null && install; } || skip 'apt-get could not install it'
