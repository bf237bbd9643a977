// What the pages can do faster with a script. All of it works without one, by forms.
"use strict";

(() => {
  const cards = document.getElementById("cards");
  const told = document.getElementById("told");

  for (const element of document.querySelectorAll(".script-only")) element.hidden = false;
  for (const select of document.querySelectorAll("select[data-send]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  slider();
  progress();
  if (cards) queue();

  async function send(form, more) {
    const fields = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(more)) fields.set(name, value);
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: fields,
      redirect: "error",
    });
    let said = "The server did not answer as expected. Load the page again.";
    try {
      said = (await answer.json()).said;
    } catch { /* not from our server; said as it is */ }
    if (!answer.ok) throw new Error(said);
    return said;
  }

  function tell(words, wrong) {
    told.textContent = words;
    told.closest("form").classList.remove("nothing");
    told.closest("form").classList.toggle("failed", Boolean(wrong));
  }

  function queue() {
    const undo = document.getElementById("undo");
    const button = document.getElementById("undo-button");
    let under_way = Promise.resolve(); // one at a time, in the order of the keys
    let waiting = 0;

    const all = () => [...cards.querySelectorAll(".card:not([aria-busy])")];
    const current = () => document.activeElement && document.activeElement.closest(".card");

    function go(card) {
      if (!card) return;
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "start" });
    }

    function move(by) {
      const list = all();
      const at = list.indexOf(current());
      go(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
    }

    function decide(card, decision) {
      const list = all();
      const next = list[list.indexOf(card) + 1] || list[list.indexOf(card) - 1];
      card.setAttribute("aria-busy", "true");
      if (next) go(next);
      waiting += 1;
      under_way = under_way.then(async () => {
        try {
          tell(await send(card.querySelector("form"), { decision }));
          button.hidden = false;
          card.remove();
        } catch (error) {
          card.removeAttribute("aria-busy");
          tell(error.message, true);
          go(card);
        }
        waiting -= 1;
        if (!waiting && !cards.querySelector(".card")) location.reload();
      });
    }

    function take_back() {
      if (button.hidden) return;
      under_way = under_way.then(async () => {
        try {
          tell(await send(undo, {}));
          location.reload();
        } catch (error) {
          tell(error.message, true);
        }
      });
    }

    cards.addEventListener("submit", (event) => {
      event.preventDefault();
      const decision = event.submitter && event.submitter.value;
      if (decision) decide(event.target.closest(".card"), decision);
    });
    undo.addEventListener("submit", (event) => {
      event.preventDefault();
      take_back();
    });

    // Shortcuts of one letter must be possible to turn off (WCAG 2.1.4).
    const keys = document.getElementById("keys-on");
    try {
      keys.checked = localStorage.getItem("spamguard-keys") !== "off";
    } catch { /* no storage: on */ }
    keys.addEventListener("change", () => {
      try {
        localStorage.setItem("spamguard-keys", keys.checked ? "on" : "off");
      } catch { /* for this page only */ }
    });
    document.addEventListener("keydown", (event) => {
      if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
      const card = current();
      const deeds = {
        j: () => move(1),
        k: () => move(-1),
        s: () => (card ? decide(card, "spam") : move(1)),
        h: () => (card ? decide(card, "ham") : move(1)),
        u: take_back,
        "/": () => document.getElementById("q").focus(),
      };
      const deed = deeds[event.key];
      if (deed) {
        event.preventDefault();
        deed();
      }
    });
  }

  // The threshold: all positions are in the table; the slider shows one of them.
  function slider() {
    const range = document.getElementById("step");
    if (!range) return;
    const rows = [...document.querySelectorAll("#steps tbody tr")];
    const show = () => {
      const row = rows[Number(range.value)];
      for (const cell of row.cells) {
        for (const target of document.querySelectorAll(`[data-shows="${cell.dataset.name}"]`)) {
          target.textContent = cell.textContent;
        }
      }
      range.setAttribute("aria-valuetext", `${row.cells[0].textContent} probability`);
      document.getElementById("cut").value = row.dataset.cut;
      for (const other of rows) other.classList.toggle("chosen", other === row);
    };
    range.addEventListener("input", show);
    show();
  }

  // A retraining under way: look again until it ends.
  function progress() {
    const bar = document.getElementById("progress");
    if (!bar) return;
    const look = async () => {
      try {
        const answer = await fetch(bar.dataset.from, { headers: { Accept: "application/json" } });
        const now = await answer.json();
        if (!answer.ok || now.state !== "running") return location.reload();
        if (now.total) bar.value = now.done / now.total;
        document.getElementById("stage").textContent = now.stage;
      } catch { /* the server may be starting again */ }
      setTimeout(look, 1000);
    };
    setTimeout(look, 500);
  }
})();
