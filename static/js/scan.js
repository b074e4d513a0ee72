/* The camera on the page that verifies: only where the browser reads QR codes itself. Without it, the reader, the
   photo and the keyboard do the same. Pictures never leave the device; only the text found is sent. */
(function () {
  "use strict";
  const EVERY = 200; // ms between two looks
  const form = document.querySelector("[data-scan]");
  if (!form || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  const part = (name) => form.querySelector(`[data-scan-${name}]`);
  const start = part("start"), view = part("view"), video = part("video"), words = part("words");
  let stream = null;
  let detector = null;

  async function offer() {
    const formats = await window.BarcodeDetector.getSupportedFormats();
    if (!formats.includes("qr_code")) return;
    detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    part("camera").hidden = false;
  }

  async function open() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      words.textContent = words.dataset.refused;
      video.hidden = part("stop").hidden = true;
      view.hidden = false;
      return;
    }
    video.srcObject = stream;
    view.hidden = false;
    start.hidden = true;
    await video.play();
    look();
  }

  async function look() {
    if (!stream) return;
    const codes = video.readyState >= 2 ? await detector.detect(video) : [];
    const code = codes.find((one) => one.rawValue.startsWith("ORD1:")) || codes[0];
    if (!code) {
      setTimeout(look, EVERY);
      return;
    }
    close();
    form.querySelector("[data-scan-into]").value = code.rawValue;
    form.requestSubmit();
  }

  function close() {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = null;
    view.hidden = true;
    start.hidden = false;
    start.focus();
  }

  start.addEventListener("click", open);
  part("stop").addEventListener("click", close);
  window.addEventListener("pagehide", close);
  offer();
})();
