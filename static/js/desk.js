/* The desk's comfort: opening a share leaves the list where it is, and an answer is filled in without the mouse. */
(function () {
  "use strict";
  const rows = () => document.querySelectorAll(".desk-row");

  /* The row of the share that is open, after htmx has put it beside the list. */
  function markCurrent() {
    for (const row of rows()) {
      if (row.pathname === location.pathname) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "desk-detail") return;
    markCurrent();
    const heading = document.querySelector("#desk-detail h1");
    if (heading) heading.focus({ preventScroll: true });
  });

  /* An answer that opens takes the focus to its first field; Escape gives it back to its button. */
  document.addEventListener("toggle", (event) => {
    const answer = event.target;
    if (!answer.matches || !answer.matches(".answer-more") || !answer.open) return;
    const field = answer.querySelector("[aria-invalid=true], input:not([type=hidden]), textarea, .btn");
    if (field) field.focus();
  }, true);
  document.addEventListener("keydown", (event) => {
    const answer = event.key === "Escape" && event.target.closest && event.target.closest(".answer-more[open]");
    if (!answer) return;
    answer.open = false;
    answer.querySelector("summary").focus();
  });
})();
