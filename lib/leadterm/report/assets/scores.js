// Scores of one model, looked up by what was scored; nan where nothing was.

const [SCORE, NULL_MEAN, NULL_SD, Z] = [0, 1, 2, 3];

class Scores {
  constructor(model) {
    Object.assign(this, model);
    this.values = unpack(model.numbers);
    this.width = this.values.length / (model.series.length * model.revisions.length * model.layers.length || 1); // numbers of a score
    this.places = new Map(model.series.map((kind, place) => [kind.join("|"), place]));
  }

  has(component, predictor) {
    return this.series.some((kind) => kind[0] === component && kind[2] === predictor);
  }

  // A number of a series at a revision and a layer, by their places in the lists.
  at({ component, head = null, predictor, metric, shuffled = false }, number, revision, layer) {
    const place = this.places.get([component, head, predictor, metric, shuffled].join("|"));
    if (place === undefined) return NaN;
    return this.values[((place * this.width + number) * this.revisions.length + revision) * this.layers.length + layer];
  }

  measured(series, measure, revision, layer) {
    const metric = measure === "z" ? "centred" : measure;
    return this.at({ ...series, metric }, measure === "z" ? Z : SCORE, revision, layer);
  }

  heads() {
    return [...new Set(this.series.filter((kind) => kind[1] !== null).map((kind) => kind[1]))].sort((a, b) => a - b);
  }

  // The places of the layers whose heads were scored one by one.
  headLayers() {
    const ofHeads = this.series.filter((kind) => kind[1] !== null).map(([component, head, predictor, metric, shuffled]) => ({ component, head, predictor, metric, shuffled }));
    const isScored = (place) => ofHeads.some((one) => this.revisions.some((_, revision) => !Number.isNaN(this.at(one, SCORE, revision, place))));
    return [...this.layers.keys()].filter(isScored);
  }

  predictors(known) {
    const found = new Set(this.series.map((kind) => kind[2]));
    return [...Object.keys(known).filter((name) => found.has(name)), ...[...found].filter((name) => !(name in known))];
  }

  get hasShuffled() {
    return this.series.some((kind) => kind[4]);
  }

  get isSweep() {
    return this.revisions.length > 1;
  }

  // Everything that is known of one cell, for its window and for tables.
  told(series, revision, layer) {
    const lines = [];
    for (const metric of ["raw", "centred"]) {
      const number = (which) => this.at({ ...series, metric }, which, revision, layer);
      lines.push([metric, significant(number(SCORE))]);
      lines.push([`${metric}, null`, `${significant(number(NULL_MEAN))} ± ${significant(number(NULL_SD))}`]);
      lines.push([`${metric}, z`, shown(number(Z), "z")]);
      const other = this.at({ ...series, metric, shuffled: !series.shuffled }, SCORE, revision, layer);
      if (!Number.isNaN(other)) lines.push([`${metric}, corpus ${series.shuffled ? "as it is" : "shuffled"}`, significant(other)]);
    }
    return lines;
  }
}
