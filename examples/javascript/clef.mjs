// What CLEF-RT does behind the encoder, without CLEF-RT: label texts and an embedding in, scores out.

/** The tensor `embeddings` of a safetensors file: { rows, dim, data }. */
export function readEmbeddings(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const { dtype, shape, data_offsets: [from, to] } = header.embeddings;
  if (dtype !== "F32") throw new Error(`embeddings are ${dtype}, not F32`);
  // A copy, for a Float32Array must begin at a multiple of 4.
  return { rows: shape[0], dim: shape[1], data: new Float32Array(bytes.slice(start + from, start + to).buffer) };
}

/** The scores of one embedding (a Float32Array of length dim) by group and name, each from 0 to 1. */
export function score(spec, table, embedding) {
  const groups = Object.entries(spec.groups).map(([name, group]) => {
    const logits = group.labels.map((label) => {
      let cosine = dot(direction(table, label.rows), embedding);
      if (label.against) cosine -= dot(direction(table, label.against.rows), embedding);
      return group.logit_scale * cosine + label.bias;
    });
    const scores = group.kind === "exclusive" ? softmax(logits) : logits.map((x) => 1 / (1 + Math.exp(-x)));
    return [name, Object.fromEntries(group.labels.map((label, i) => [label.name, scores[i]]))];
  });
  return Object.fromEntries(groups);
}

/** The mean of the rows, brought to length 1. */
function direction({ dim, data }, rows) {
  const sum = new Float64Array(dim);
  for (const row of rows) for (let i = 0; i < dim; i++) sum[i] += data[row * dim + i];
  const length = Math.sqrt(dot(sum, sum));
  return sum.map((x) => x / length);
}

function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

function softmax(logits) {
  const highest = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}
