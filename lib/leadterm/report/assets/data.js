// What the page carries: JSON in elements of their own, arrays in base64.

const ARRAYS = { f4: [Float32Array, 4], u2: [Uint16Array, 2], u4: [Uint32Array, 4] };

function block(name) {
  return JSON.parse(document.getElementById(`data-${name}`).textContent);
}

function unpack({ type, base64 }) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const [Kind, width] = ARRAYS[type];
  return new Kind(bytes.buffer, 0, bytes.length / width);
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

// Three significant digits, as people write them: 0.0184, 1.2e-5.
function significant(exact) {
  const number = Number(exact.toPrecision(3));
  if (number === 0) return "0";
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 1e-3 && size < 1e6) {
    const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
    return number.toFixed(Math.min(digits, 6)).replace("-", "−");
  }
  return number.toExponential(1).replace("-", "−").replace("e-", "e−").replace("e+", "e");
}

function shown(number, measure) {
  if (Number.isNaN(number)) return "–";
  if (measure !== "z") return significant(number);
  const size = Math.abs(number);
  const text = size < 9.95 ? size.toFixed(1) : grouped(Math.round(size));
  return text === "0.0" ? "0" : `${number < 0 ? "−" : "+"}${text}`;
}
