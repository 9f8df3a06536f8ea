"""Read scores without clef_rt: pip install pyzmq msgpack; python subscribe_plain.py tcp://127.0.0.1:5599 [camera]."""

import sys

import msgpack
import zmq

endpoint, camera = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
socket = zmq.Context().socket(zmq.SUB)
for kind in ("hello", "obs"):
    # Subscriptions are prefixes: without the closing dot `door` would bring `door2` as well.
    socket.subscribe(f"clef.v1.{kind}.{camera}." if camera else f"clef.v1.{kind}.")
socket.connect(endpoint)

hellos = {}
while True:
    topic, payload = socket.recv_multipart()
    message = msgpack.unpackb(payload)
    if message["kind"] == "hello":
        hellos[message["camera"], message["labels_hash"]] = message
    elif hello := hellos.get((message["camera"], message["labels_hash"])):
        for face in message["faces"]:
            aus = dict(zip(hello["au"], face["au"], strict=True))
            expression = hello["expr"][face["expr"].index(max(face["expr"]))]
            strongest = max(aus, key=aus.get)
            where = f"{message['camera']} {message['seq']} face {face['track_id']}"
            print(where, f"{strongest}={aus[strongest]:.2f}", expression, flush=True)
