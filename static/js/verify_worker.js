/* Keeps the page that verifies for when there is no network: the page as a stranger gets it, and what it is made of.
   Nothing of anybody: it asks without cookies, answers for that one page, and never keeps an answer that was asked with. */
"use strict";
const PAGE = "/verifier/", SHELF = "verifier-page";

async function fill() {
  const shelf = await caches.open(SHELF), seen = new Set();
  async function keep(address) {
    if (seen.has(address)) return;
    seen.add(address);
    const answer = await fetch(address, { credentials: "omit" });
    if (!answer.ok) return;
    await shelf.put(address, answer.clone());
    if (/\.(css|js)$|\/$/.test(address)) await Promise.all(named(await answer.text(), address).map(keep));
  }
  await keep(PAGE);
  for (const request of await shelf.keys()) if (!seen.has(new URL(request.url).pathname)) shelf.delete(request);
}

/* The files of the site that a page, a style sheet or a module names. */
function named(text, from) {
  const found = [...text.matchAll(/"(\/static\/[^"#?]+)|url\(["']?([^"')#?]+)|from ["'](\.[^"']+)/g)];
  return found.map(([, whole, style, module]) => new URL(whole || style || module, new URL(from, location)).pathname)
    .filter((path) => path.startsWith("/static/"));
}

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request, address = new URL(url);
  const isPage = mode === "navigate" && address.pathname === PAGE;
  if (method !== "GET" || address.origin !== location.origin) return;
  if (!isPage && !address.pathname.startsWith("/static/")) return;
  event.respondWith(networkFirst(event, isPage ? PAGE : address.pathname, isPage));
});

async function networkFirst(event, kept, isPage) {
  try {
    const answer = await fetch(event.request);
    if (isPage && answer.ok) event.waitUntil(fill().catch(() => {}));
    return answer;
  } catch (error) {
    const found = await (await caches.open(SHELF)).match(kept);
    if (!found) throw error;
    return found;
  }
}
