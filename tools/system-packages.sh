#!/bin/sh
# What Qt and the tests need from a Debian-like system: `system-packages.sh run|test [PYTHON]`.
# As root it installs what is missing; otherwise it prints the one line that would. Elsewhere it does nothing.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
purpose="${1:-run}"
python="${2:-python3}"

[ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null 2>&1 || exit 0

libraries="
libEGL.so.1 libegl1
libGL.so.1 libgl1
libX11-xcb.so.1 libx11-xcb1
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-xkb.so.1 libxcb-xkb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxkbcommon.so.0 libxkbcommon0
"
known="$(ldconfig -p 2>/dev/null || true)"
missing=""
set -- $libraries
while [ $# -gt 0 ]; do
    case "$known" in
        *"$1 "*) ;;
        *) missing="$missing $2" ;;
    esac
    shift 2
done
# Debian keeps the module that makes virtual environments in a package of its own.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    missing="$missing $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
if [ "$purpose" = test ] && ! command -v Xvfb >/dev/null 2>&1; then
    missing="$missing xvfb"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Installing$missing"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
else
    echo "Some system packages are missing. As root, run:"
    echo "    apt-get install$missing"
fi
