// The section about training: how trained weights agree with the predicted ones (leadterm verify).

const WEIGHTS = { output: "output W_O", value: "value V", query_key: "query-key W", position: "position P" };
const PREDICTIONS = {
  "gradient descent": "the paper: gradient descent",
  "next order": "gradient descent, next order",
  adam: "Adam, leading terms",
  "adam, next order": "Adam, next order",
  adamw: "AdamW, leading terms",
  "adamw, next order": "AdamW, next order",
  sign: "sign descent, leading terms",
  "sign, next order": "sign descent, next order",
};

function agreementSection(all, palettes) {
  const others = all.some((row) => !["gradient descent", "next order"].includes(row.prediction ?? "gradient descent"));
  // Beside another optimizer's terms the line of gradient descent's next order is that of the paper.
  const rows = others ? all.filter((row) => row.prediction !== "next order") : all;
  const kinds = [...new Set(rows.map((row) => row.weight))];
  const steps = [...new Set(rows.map((row) => row.step))].sort((a, b) => a - b);
  const of = (kind, column, title, options) => agreementChart(rows.filter((row) => row.weight === kind), kind, column, title, steps, palettes, options);
  const cosines = { transform: (value) => value, text: (value) => (Number.isNaN(value) ? "–" : value.toFixed(9)) };
  const errors = { transform: Math.log10, ticks: logarithmicTicks, tickText: logarithmicText, text: significant };
  const head = Object.keys(rows[0]);
  const proved = rows.some((row) => row.within_theorem);
  return el(
    "section",
    { id: "verification", "aria-labelledby": "verification-title" },
    el("h2", { id: "verification-title" }, "Verification by training"),
    el("p", null, "A transformer of the kind the theory assumes was trained on this corpus by a program that uses none of the theory’s formulas; its weights are compared "
      + "with the predicted ones after some steps. " + (proved ? "" : "The theorem’s conditions do not hold here, so nothing is proved: the agreement is an observation. ")
      + reach(rows)
      + "The table and this figure, as SVG and PNG, are in the run’s folder verification."),
    el("div", { class: "panels" }, kinds.flatMap((kind) => [
      of(kind, "cosine", "cosine with the prediction", cosines),
      of(kind, "relative_error", "relative error", errors),
    ]).filter((panel) => panel.lines.some((line) => line.values.some((value) => Number.isFinite(panel.transform(value))))).map(chart)),
    numbers("Numbers of these figures", head, () => all.map((row) => head.map((name) => agreementCell(row[name])))),
  );
}

// What training with another optimizer than gradient descent is compared with, and how far it went.
function reach(rows) {
  const own = rows.filter((row) => !["gradient descent", "next order"].includes(row.prediction) && row.extent !== null && row.extent !== undefined);
  if (own.length === 0) return "";
  const last = own[own.length - 1];
  return `It was trained with ${last.prediction.split(",")[0]}: what the paper predicts for gradient descent stands beside what is predicted for this optimizer, each line `
    + `of the layer that is predicted worst. A row of W_O has moved by s η V = ${significant(last.extent)} at the last step; the predictions fail as it grows. `;
}

function agreementChart(rows, kind, column, note, steps, palettes, options) {
  const several = new Set(rows.map((row) => row.prediction)).size > 1;
  const lines = (several ? linesByPrediction : linesByLayer)(rows, kind, column, steps).map((line, number) => ({
    ...line,
    colour: palettes.lines[(line.number ?? number) % palettes.lines.length],
    dash: DASHES[(line.number ?? number) % DASHES.length],
  }));
  const tip = (place) => lines.map((line) => [line.name, options.text(line.values[place])]);
  return { title: WEIGHTS[kind] ?? kind, note, across: "step", places: steps.map(String), lines, tip, ...options };
}

function linesByLayer(rows, kind, column, steps) {
  return [...new Set(rows.map((row) => row.layer))].map((layer) => ({
    name: layer === null ? WEIGHTS[kind] ?? kind : `layer ${layer}`,
    values: steps.map((step) => rows.find((row) => row.step === step && row.layer === layer)?.[column] ?? NaN),
  }));
}

// Of each prediction the layer that it predicts worst.
function linesByPrediction(rows, kind, column, steps) {
  const worst = column === "cosine" ? Math.min : Math.max;
  return [...new Set(rows.map((row) => row.prediction))].map((prediction) => ({
    name: PREDICTIONS[prediction] ?? prediction,
    number: prediction === "gradient descent" ? 0 : prediction === "next order" ? 1 : prediction.endsWith(", next order") ? 3 : 2,
    values: steps.map((step) => {
      const found = rows.filter((row) => row.prediction === prediction && row.step === step).map((row) => row[column] ?? NaN);
      return found.length ? worst(...found) : NaN;
    }),
  }));
}

// 1, 2 and 5 times powers of ten, or where there are many of these the powers alone; on a logarithmic scale.
function logarithmicTicks({ low, high }) {
  const powers = Array.from({ length: Math.floor(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
  const factors = high - low > 2 ? [1] : [1, 2, 5];
  const ticks = powers.flatMap((power) => factors.map((factor) => factor * 10 ** power));
  return ticks.filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high);
}

function logarithmicText(tick) {
  return tick >= 1e-4 && tick < 1e4 ? String(Number(tick.toPrecision(1))) : tick.toExponential(0).replace("-", "−").replace("e-", "e−");
}

function agreementCell(value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(9))) : String(value);
}
