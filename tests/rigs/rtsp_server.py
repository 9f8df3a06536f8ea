"""A fake RTSP camera, run by the system's Python, which has GStreamer's bindings. Started by `rtsp.RtspServer`.

Each frame draws the time at which it was made (`oracle`). Paths: `/cam`; with `--auth user:password` it asks for them.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gi
import oracle

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


class Camera(GstRtspServer.RTSPMediaFactory):
    def __init__(self, args):
        super().__init__()
        self.args = args
        width, height = args.size
        self.plane = bytearray(b"\x60" * (width * height))
        for y in range(height):
            for x in range(0, width, 16):
                self.plane[y * width + x] = 0x90
        self.chroma = bytes([128]) * (2 * (-(-width // 2)) * (-(-height // 2)))
        self.set_shared(False)

    def do_create_element(self, url):
        width, height = self.args.size
        tune = "tune=zerolatency" if not self.args.bframes else f"bframes={self.args.bframes} b-adapt=false"
        return Gst.parse_launch(
            f"( appsrc name=source is-live=true format=time do-timestamp=true "
            f"caps=video/x-raw,format=I420,width={width},height={height},framerate={self.args.fps}/1 "
            f"! x264enc speed-preset=ultrafast key-int-max={self.args.gop} {tune} threads=1 "
            f"! video/x-h264,profile={'main' if self.args.bframes else 'baseline'} "
            f"! rtph264pay name=pay0 pt=96 config-interval=1 )"
        )

    def do_configure(self, media):
        source = media.get_element().get_child_by_name("source")
        timer = GLib.timeout_add(1000 // self.args.fps, self.push, source)
        media.connect("unprepared", lambda _: GLib.source_remove(timer))

    def push(self, source):
        plane = bytearray(self.plane)
        oracle.draw_bytes(plane, self.args.size[0], oracle.now_ms())
        source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(plane) + self.chroma))
        return True


def protect(server, factory, user, password):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    factory.add_role_from_structure(
        Gst.Structure.new_from_string("user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true")
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))), default=(640, 352))
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--gop", type=int, default=25)
    parser.add_argument("--bframes", type=int, default=0)
    parser.add_argument("--auth", default="")
    args = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(args.port))
    factory = Camera(args)
    if args.auth:
        protect(server, factory, *args.auth.split(":"))
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {args.port} is taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
