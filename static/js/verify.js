/* The page that verifies, with no network: the signature is checked on the device with the keys of the last visit.
   With a network, and without JavaScript, the form goes to the registry as usual. */
(function () {
  "use strict";
  const form = document.querySelector("[data-verify]"), said = document.querySelector("[data-offline]");
  const KEYS = "/.well-known/ordolien-keys.json", SHELF = "verifier", PATIENCE = 4000;
  if (!form || !("caches" in window)) return;

  if ("serviceWorker" in navigator) navigator.serviceWorker.register(form.dataset.worker, { scope: form.dataset.scope });

  /* The keys of now, kept for when there is no network; null when the registry does not answer. */
  async function freshKeys() {
    try {
      const answer = await fetch(KEYS, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE) });
      if (!answer.ok) return null;
      await (await caches.open(SHELF)).put(KEYS, answer.clone());
      return await answer.json();
    } catch {
      return null;
    }
  }

  form.addEventListener("submit", async (event) => {
    const text = form.querySelector("[data-scan-into]").value;
    if (!text.trim()) return;
    event.preventDefault();
    if (navigator.onLine && await freshKeys()) {
      form.submit();
      return;
    }
    const kept = await (await caches.open(SHELF)).match(KEYS);
    say(kept ? await check(text, await kept.json()) : { code: "no_keys", expires: null }, kept);
  });

  async function check(text, keySet) {
    const { read } = await import(form.dataset.reader);
    return read(text, keySet, new Date());
  }

  function say(reading, kept) {
    const shown = { valid: "ready", expired: "wait" }[reading.code] || (/key|altered/.test(reading.code) ? "stop" : "unknown");
    for (const verdict of said.querySelectorAll("[data-code]")) verdict.hidden = verdict.dataset.code !== reading.code;
    for (const state of ["ready", "wait", "stop", "unknown"]) {
      said.querySelector(".verdict").classList.toggle(`is-${state}`, state === shown);
    }
    said.querySelector("[data-checked]").hidden = ["not_ours", "no_keys"].includes(reading.code);
    const day = (moment) => moment.toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
    said.querySelector("[data-keys-of]").textContent = kept ? day(new Date(kept.headers.get("Date"))) : "";
    said.querySelector(".verdict").dataset.verdict = reading.code;
    said.hidden = false;
    said.focus();
  }

  freshKeys();
})();
