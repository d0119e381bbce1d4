// The section about the language model that was trained on the run: its loss, step by step.

function lossesSection(losses) {
  const places = losses.first.map((first, i) => (first === losses.last[i] ? grouped(first) : `${grouped(first)}–${grouped(losses.last[i])}`));
  const text = (value) => value.toFixed(4);
  const rows = places.map((name, i) => [name, text(losses.mean[i]), text(losses.low[i]), text(losses.high[i]), significant(losses.rate[i])]);
  return el(
    "section",
    { id: "losses", "aria-labelledby": "losses-title" },
    el("div", { class: "head" }, el("h2", { id: "losses-title" }, "Training loss"), losses.file ? fileLinks(losses.file) : null),
    el("p", null, `A model of ${grouped(losses.layers)} ${losses.layers === 1 ? "layer" : "layers"} and ${grouped(losses.parameters)} parameters was trained on this corpus (leadterm pretrain): `
      + `${grouped(losses.steps)} steps of ${grouped(losses.batch)} windows. The figure shows the loss on each step’s windows before the update. Later steps are `
      + "grouped: the line is their mean, the band their range. An untrained model has a loss of "
      + `${Math.log(losses.vocabulary).toFixed(2)}, the logarithm of the number of tokens; one that knows only how often each token comes next has the loss of the dashed line.`),
    el("div", { class: "panels wide" }, chart(lossPanel(losses, places, text))),
    numbers("Numbers of this figure", ["step", "mean", "lowest", "highest", "learning rate"], () => rows),
  );
}

function lossPanel(losses, places, text) {
  const most = Math.log2(losses.steps) || 1;
  const doublings = Array.from({ length: Math.floor(Math.log2(losses.steps)) + 1 }, (_, power) => power);
  return {
    title: "loss",
    note: "nats per position, on a logarithmic scale of steps",
    across: "step",
    places,
    shares: losses.first.map((first, i) => Math.log2(Math.sqrt(first * losses.last[i])) / most),
    marks: doublings.map((power) => [power / most, grouped(2 ** power)]),
    transform: (value) => value,
    ticks: (range) => roundTicks(range, 6),
    wide: true,
    lines: [
      { name: losses.names.mean, values: losses.mean, colour: "var(--accent)", band: [losses.low, losses.high], bandName: losses.names.range },
      { name: losses.names.frequencies, values: places.map(() => losses.unigram_entropy), colour: "var(--warm)", dash: "6 4", plain: true },
    ],
    tip: (place) => [
      ["mean", text(losses.mean[place])],
      ["lowest", text(losses.low[place])],
      ["highest", text(losses.high[place])],
      [losses.names.frequencies, text(losses.unigram_entropy)],
      ["learning rate", significant(losses.rate[place])],
    ],
  };
}
