/* The camera of the page that verifies and of the desk. The browser reads QR codes itself where it can (Android, macOS);
   elsewhere a decoder of ours does, fetched when the camera is first asked for. Without a camera, the reader, the photo
   and the keyboard do the same. Pictures never leave the device; only the text found is sent. */
(function () {
  "use strict";
  const EVERY = 200; // ms between two looks
  const form = document.querySelector("[data-scan]");
  if (!form || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  const part = (name) => form.querySelector(`[data-scan-${name}]`);
  const start = part("start"), view = part("view"), video = part("video"), words = part("words");
  let stream = null;
  let detector = null;

  async function makeDetector() {
    const own = window.BarcodeDetector;
    const isEnough = own && (await own.getSupportedFormats()).includes("qr_code");
    const Detector = isEnough ? own : (await import(form.dataset.scanDecoder)).BarcodeDetector;
    return new Detector({ formats: ["qr_code"] });
  }

  async function open() {
    try {
      detector = detector || await makeDetector();
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
  part("camera").hidden = false;
})();
