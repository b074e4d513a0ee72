/* Comfort only: every page works without this file. No eval, nothing stored but the theme's cookie and the
   shortcuts' switch. */
(function () {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));

  /* Copy buttons: <button data-copy="text" data-copied="word" hidden>. */
  function copyButtons(from) {
    if (!navigator.clipboard) return;
    for (const button of all("[data-copy]", from)) button.hidden = false;
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const words = button.querySelector("[aria-live]") || button;
    const before = words.textContent;
    await navigator.clipboard.writeText(button.dataset.copy);
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, 2000);
  });

  /* Theme: auto, light or dark, in a cookie the server reads before the first paint. */
  function showTheme() {
    for (const button of all("[data-theme-value]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeValue === (root.dataset.theme || "auto")));
    }
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-value]");
    if (!button) return;
    root.dataset.theme = button.dataset.themeValue;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${button.dataset.themeValue}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    showTheme();
  });

  /* Menus made of <details>: Escape and a click elsewhere close them. */
  document.addEventListener("click", (event) => {
    for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* Desk shortcuts: data-shortcut="p" clicks a button or a link, or puts the focus in a field. One key, never while
     typing, and the person may switch them off (WCAG 2.1.4). */
  const KEYS = "ordolien.keys";
  const keysOn = () => localStorage.getItem(KEYS) !== "off";
  function showKeys() {
    document.body.classList.toggle("no-keys", !keysOn());
    for (const button of all("[data-keys-switch]")) {
      const words = button.querySelector("[data-on]");
      button.hidden = false;
      button.setAttribute("aria-pressed", String(keysOn()));
      words.textContent = keysOn() ? words.dataset.on : words.dataset.off;
    }
    for (const target of all("[data-shortcut]")) {
      if (keysOn()) target.setAttribute("aria-keyshortcuts", target.dataset.shortcut);
      else target.removeAttribute("aria-keyshortcuts");
    }
  }
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]");
  const shortcutOf = (key) => keysOn() && all("[data-shortcut]").find((one) => one.dataset.shortcut === key.toLowerCase());
  /* A reader of codes types as a keyboard does, only faster. What it types goes to the scan field, wherever the focus is,
     and is never taken for shortcuts: a shortcut waits for the time that a reader leaves between two keys. */
  const READER_GAP = 60; // ms; people leave twice that
  let typed = "", waiting = 0;
  document.addEventListener("keydown", (event) => {
    const isPlain = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
    if (!isPlain || typing(event.target)) return;
    const field = document.querySelector("[data-scan-into]"), target = shortcutOf(event.key);
    clearTimeout(waiting);
    if (typed && field) {
      event.preventDefault();
      field.focus();
      field.value = typed + event.key;
      typed = "";
    } else if (target && typing(target)) {
      event.preventDefault();
      target.focus();
      target.select();
    } else {
      typed = event.key;
      waiting = setTimeout(() => { typed = ""; if (target) target.click(); }, READER_GAP);
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-keys-switch]")) return;
    localStorage.setItem(KEYS, keysOn() ? "off" : "on");
    showKeys();
  });

  /* htmx: the CSRF token of the page's own forms; a session that ended reloads the page instead of putting the
     sign-in form inside it; a server that does not answer is said, with what to do. */
  const net = document.getElementById("net");
  function say(trouble) {
    if (!net) return;
    net.hidden = !trouble;
    for (const words of all("[data-net]", net)) words.hidden = words.dataset.net !== trouble;
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-reload]")) location.reload();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token) event.detail.headers["X-CSRFToken"] = token.value;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const xhr = event.detail.xhr;
    const asked = event.detail.pathInfo.requestPath.split("?")[0];
    const answered = xhr.responseURL ? new URL(xhr.responseURL).pathname : asked;
    const moved = answered !== new URL(asked, location.href).pathname;
    if (xhr.status === 200 && moved && event.detail.requestConfig.verb === "get") {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) say(null); });
  document.addEventListener("htmx:sendError", () => say("lost"));
  document.addEventListener("htmx:timeout", () => say("lost"));
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) location.reload();
    else say("failed");
  });
  document.addEventListener("htmx:afterSettle", (event) => { copyButtons(event.target); showKeys(); });

  /* A passkey or a security key that did not answer (allauth says it with this event). */
  document.addEventListener("allauth.error", () => {
    for (const words of all("[data-key-trouble]")) words.hidden = false;
  });

  for (const part of all("[data-needs-js], [data-theme-switch]")) part.hidden = false;
  copyButtons();
  showTheme();
  showKeys();
  const open = document.querySelector(".desk-row[aria-current]");
  if (open) open.scrollIntoView({ block: "nearest" });
  const wrong = document.querySelector("[data-focus]");
  if (wrong) wrong.focus();
})();
