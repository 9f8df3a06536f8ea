// Score aligned crops in Node: npm install --ignore-scripts; node score.mjs BUNDLE-FOLDER CROPS.RAW
// CROPS.RAW holds n · S · S · C bytes, as crop.py writes them. Prints JSON: for each crop, the scores by group and name.
// With `npm install onnxruntime-web@1.30.0` and that name as third argument, the runtime of browsers (wasm) does it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readEmbeddings, score } from "./clef.mjs";

const [folder, cropsFile, runtime = "onnxruntime-node"] = process.argv.slice(2);
const ort = await import(runtime);

const spec = JSON.parse(readFileSync(join(folder, "bundle.json"), "utf8"));
if (spec.schema_version !== 1) throw new Error(`bundle.json has schema version ${spec.schema_version}`);
const read = (name) => {
  const bytes = readFileSync(join(folder, name));
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== spec.files[name]) throw new Error(`${name} isn't the file that bundle.json lists`);
  return new Uint8Array(bytes);
};

const { size, channels } = spec.input;
const pixels = new Uint8Array(readFileSync(cropsFile));
const count = pixels.length / (size * size * channels);
if (!Number.isInteger(count)) throw new Error(`${cropsFile} holds no crops of ${size} × ${size} × ${channels} bytes`);

// The graph itself normalises: bytes go in as they are, embeddings of length 1 come out.
const session = await ort.InferenceSession.create(read("encoder.onnx"));
const { embeddings } = await session.run({ faces: new ort.Tensor("uint8", pixels, [count, size, size, channels]) });
const table = readEmbeddings(read("labels.safetensors"));
const scores = Array.from({ length: count }, (_, i) =>
  score(spec, table, embeddings.data.subarray(i * table.dim, (i + 1) * table.dim)),
);
console.log(JSON.stringify(scores));
