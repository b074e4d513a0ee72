/* Comfort on the patient's pages: how many characters are left, and pharmacies around, asked for by a click only. */
(function () {
  "use strict";

  for (const line of document.querySelectorAll("[data-count-for]")) {
    const field = document.getElementById(line.dataset.countFor);
    if (!field) continue;
    const most = Number(field.dataset.count);
    const say = () => {
      const left = most - field.value.length;
      line.hidden = left > most / 5;
      line.textContent = `${left < 0 ? line.dataset.over : line.dataset.left} ${Math.abs(left)}`;
      line.classList.toggle("too-many", left < 0);
    };
    field.addEventListener("input", say);
    say();
  }

  /* Rounded to about a hundred metres before it leaves the device. */
  for (const form of document.querySelectorAll("[data-near]")) {
    if (!navigator.geolocation) continue;
    form.hidden = false;
    const trouble = form.querySelector("[data-trouble]");
    form.querySelector("button").addEventListener("click", () => {
      navigator.geolocation.getCurrentPosition(
        (place) => {
          form.elements.lat.value = place.coords.latitude.toFixed(3);
          form.elements.lon.value = place.coords.longitude.toFixed(3);
          form.submit();
        },
        () => { trouble.textContent = trouble.dataset.trouble; },
        { maximumAge: 600000, timeout: 15000 },
      );
    });
  }
})();
