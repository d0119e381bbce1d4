// Puts the sections together.

const accounts = block("accounts");
const palettes = block("palettes");
const scores = block("alignment");
const rows = block("agreement");
const losses = block("losses");
const words = block("explorer");

document.getElementById("name").textContent = accounts.name;
document.getElementById("colophon").textContent = `Made by leadterm ${accounts.version} from the run’s saved products. This page carries all its data and connects to nothing.`;

const alignment = scores.models.length ? new Alignment(scores, palettes) : null;
const content = document.getElementById("content");
const sections = [
  ["Alignment", alignment?.section],
  ["Training loss", losses ? lossesSection(losses) : null],
  ["Verification", rows.length ? agreementSection(rows, palettes) : null],
  ["Explorer", words ? new Explorer(words).section : null],
  ["Sources and settings", accountsSection(accounts)],
].filter(([, section]) => section);
content.append(...[noticeOf(accounts, alignment !== null), tilesOf(accounts)].filter(Boolean), ...sections.map(([, section]) => section));
document.getElementById("contents").append(...sections.map(([title, section]) => el("a", { href: `#${section.id}` }, title)));

DARK.addEventListener("change", () => alignment?.drawFigures());
addEventListener("scroll", placeTip, { passive: true });
for (const [event, state] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    printing = state;
    alignment?.drawFigures();
  });
}
