// Read scores from Node: npm install; node subscribe.js tcp://127.0.0.1:5599 [camera]
import { decode } from "@msgpack/msgpack";
import { Subscriber } from "zeromq";

const [endpoint, camera] = process.argv.slice(2);
const socket = new Subscriber();
for (const kind of ["hello", "obs"]) {
  // Subscriptions are prefixes: without the closing dot `door` would bring `door2` as well.
  socket.subscribe(camera ? `clef.v1.${kind}.${camera}.` : `clef.v1.${kind}.`);
}
socket.connect(endpoint);

const highest = (scores) => scores.indexOf(Math.max(...scores));
const hellos = new Map();
for await (const [topic, payload] of socket) {
  // Nanoseconds exceed what a JavaScript number holds exactly; as BigInt they are exact.
  const message = decode(payload, { useBigInt64: true });
  const key = `${message.camera} ${message.labels_hash}`;
  if (message.kind === "hello") {
    hellos.set(key, message);
  } else if (hellos.has(key)) {
    const { au, expr } = hellos.get(key);
    for (const face of message.faces) {
      const i = highest(face.au);
      const where = `${message.camera} ${message.seq} face ${face.track_id}`;
      console.log(`${where} ${au[i]}=${face.au[i].toFixed(2)} ${expr[highest(face.expr)]}`);
    }
  }
}
