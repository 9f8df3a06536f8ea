#!/bin/sh
# Installs GStreamer's RTSP server for the tests marked `rtsp`, where that is possible: as root, on Debian and its kin.
# Never fails: without it those tests are skipped, with the reason.
packages="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav"

if ! command -v apt-get >/dev/null 2>&1; then
    echo "rtsp rig: no apt-get here; the tests marked rtsp will be skipped"
    exit 0
fi
# shellcheck disable=SC2086  # the list is words
if dpkg -s $packages >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "rtsp rig: not root; for the tests marked rtsp install: $packages"
    exit 0
fi
echo "rtsp rig: installing GStreamer's RTSP server"
# shellcheck disable=SC2086
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } \
    >/dev/null 2>&1; then
    echo "rtsp rig: it could not be installed; the tests marked rtsp will be skipped"
fi
exit 0
