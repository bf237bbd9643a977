// Makes the pages faster. Everything works without it, by forms.
"use strict";

(() => {
  const cards = document.getElementById("cards");
  const status = document.getElementById("message");

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
    let message = "The server did not answer as expected. Reload the page.";
    try {
      message = (await answer.json()).message;
    } catch { /* not JSON, so not from our server */ }
    if (!answer.ok) throw new Error(message);
    return message;
  }

  function show_message(words, failed) {
    status.textContent = words;
    status.closest("form").classList.remove("nothing");
    status.closest("form").classList.toggle("failed", Boolean(failed));
  }

  function queue() {
    const undo = document.getElementById("undo");
    const button = document.getElementById("undo-button");
    let queued = Promise.resolve(); // one request at a time, in the order of the keys
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
      queued = queued.then(async () => {
        try {
          show_message(await send(card.querySelector("form"), { decision }));
          button.hidden = false;
          card.remove();
        } catch (error) {
          card.removeAttribute("aria-busy");
          show_message(error.message, true);
          go(card);
        }
        waiting -= 1;
        if (!waiting && !cards.querySelector(".card")) location.reload();
      });
    }

    function undo_last() {
      if (button.hidden) return;
      queued = queued.then(async () => {
        try {
          show_message(await send(undo, {}));
          location.reload();
        } catch (error) {
          show_message(error.message, true);
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
      undo_last();
    });

    // It must be possible to turn off shortcuts of one letter (WCAG 2.1.4).
    const keys = document.getElementById("keys-on");
    try {
      keys.checked = localStorage.getItem("spamguard-keys") !== "off";
    } catch { /* without storage they are on */ }
    keys.addEventListener("change", () => {
      try {
        localStorage.setItem("spamguard-keys", keys.checked ? "on" : "off");
      } catch { /* without storage it holds for this page */ }
    });
    document.addEventListener("keydown", (event) => {
      if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
      const card = current();
      const actions = {
        j: () => move(1),
        k: () => move(-1),
        s: () => (card ? decide(card, "spam") : move(1)),
        h: () => (card ? decide(card, "ham") : move(1)),
        u: undo_last,
        "/": () => document.getElementById("q").focus(),
      };
      const action = actions[event.key];
      if (action) {
        event.preventDefault();
        action();
      }
    });
  }

  // The threshold page: the table has all positions, and the slider shows one of them.
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

  // A retraining that runs: ask until it ends.
  function progress() {
    const bar = document.getElementById("progress");
    if (!bar) return;
    const ask = async () => {
      try {
        const answer = await fetch(bar.dataset.from, { headers: { Accept: "application/json" } });
        const now = await answer.json();
        if (!answer.ok || now.state !== "running") return location.reload();
        if (now.total) bar.value = now.done / now.total;
        document.getElementById("stage").textContent = now.stage;
      } catch { /* the server may be restarting */ }
      setTimeout(ask, 1000);
    };
    setTimeout(ask, 500);
  }
})();
