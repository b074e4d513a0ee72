/* What a code proves by itself, without a network: the same reading as prescriptions/code/signed.py, byte for byte, with the
   browser's own inflater and WebCrypto. No dependency, no clock of its own, nothing stored. */

const PREFIX = "ORD1:", ISSUER = "ORD";
const MAX_CHARACTERS = 510, MAX_INFLATED_BYTES = 1024;
const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const HEAD = [0xd2, 0x84, 0x4d, 0xa2, 0x01, 0x26, 0x04, 0x48];  // tag 18, array of 4, bytes of 13: {1: -7, 4: bytes of 8}
const SIGNATURE_BYTES = 64;

class Refusal extends Error {}

/* → {code: valid, expired, altered, unknown_key, revoked_key, not_ours; expires: Date or null when there is no end}.
   `keySet`: as published (JWKS and `revoked`). */
export async function read(text, keySet, now) {
  try {
    const claims = await verified(await token(text.trim()), keySet);
    const expires = claims.has(4) ? new Date(claims.get(4) * 1000) : null;
    return { code: expires && now >= expires ? "expired" : "valid", expires };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.message, expires: null };
    throw error;
  }
}

async function token(text) {
  if (!text.startsWith(PREFIX)) throw new Refusal(text.toUpperCase().startsWith(PREFIX) ? "altered" : "not_ours");
  const encoded = text.slice(PREFIX.length);
  if (encoded.length > MAX_CHARACTERS) throw new Refusal("altered");
  const bytes = await inflated(base45(encoded));
  const payloadEnds = 19 + bytes[18];
  const wellFormed = HEAD.every((byte, place) => bytes[place] === byte)
    && bytes[16] === 0xa0 && bytes[17] === 0x58 && bytes[payloadEnds] === 0x58
    && bytes[payloadEnds + 1] === SIGNATURE_BYTES && bytes.length === payloadEnds + 2 + SIGNATURE_BYTES;
  if (!wellFormed) throw new Refusal("altered");
  return { kid: hex(bytes.slice(8, 16)), protectedHeader: bytes.slice(2, 16), payload: bytes.slice(17, payloadEnds),
           signature: bytes.slice(payloadEnds + 2) };
}

/* RFC 9285. */
function base45(text) {
  const values = Array.from(text, (letter) => BASE45.indexOf(letter)), bytes = [];
  if (values.includes(-1) || values.length % 3 === 1) throw new Refusal("altered");
  for (let place = 0; place < values.length; place += 3) {
    const [low, middle, high] = values.slice(place, place + 3);
    const number = low + 45 * middle + (high === undefined ? 0 : 2025 * high);
    if (number > (high === undefined ? 0xff : 0xffff)) throw new Refusal("altered");
    if (high !== undefined) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return new Uint8Array(bytes);
}

/* Never more than MAX_INFLATED_BYTES; nothing after, nothing unfinished (the stream itself refuses both). */
async function inflated(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const found = [];
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      found.push(...part.value.slice(0, MAX_INFLATED_BYTES + 1));
      if (found.length > MAX_INFLATED_BYTES) { reader.cancel(); throw new Refusal("altered"); }
    }
  } catch {
    throw new Refusal("altered");
  }
  return new Uint8Array(found);
}

/* RFC 9052 §4.4, ES256 and nothing else. */
async function verified({ kid, protectedHeader, payload, signature }, keySet) {
  if ((keySet.revoked || []).includes(kid)) throw new Refusal("revoked_key");
  const jwk = keySet.keys.find((key) => key.kid === kid);
  if (!jwk) throw new Refusal("unknown_key");
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y }, curve, false, ["verify"]);
  const signed = new Uint8Array(
    [0x84, 0x6a, ...new TextEncoder().encode("Signature1"), ...protectedHeader, 0x40, ...payload]
  );
  const holds = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, signed);
  if (!holds) throw new Refusal("altered");
  const claims = mapOf(payload.slice(2));
  const content = claims.get(-65537);
  const isOurs = claims.get(1) === ISSUER && content instanceof Uint8Array && content.length === 16
    && claims.has(6) && claims.has(7);
  if (!isOurs) throw new Refusal("altered");
  return claims;
}

/* CBOR, as much of it as our claims use: one map of integers, bytes and texts. */
function mapOf(bytes) {
  let place = 0;
  function next() {
    const first = bytes[place++], kind = first >> 5, short = first & 31;
    let size = short;
    if (short > 23) {
      const length = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
      if (!length || place + length > bytes.length) throw new Refusal("altered");
      size = bytes.slice(place, place + length).reduce((number, byte) => number * 256 + byte, 0);
      place += length;
    }
    if (kind === 0) return size;
    if (kind === 1) return -1 - size;
    if (kind !== 2 && kind !== 3 || place + size > bytes.length) throw new Refusal("altered");
    const held = bytes.slice(place, place += size);
    return kind === 2 ? held : new TextDecoder().decode(held);
  }
  const first = bytes[place++], found = new Map();
  if (first >> 5 !== 5 || (first & 31) > 23) throw new Refusal("altered");
  for (let pair = first & 31; pair > 0; pair--) found.set(next(), next());
  if (place !== bytes.length) throw new Refusal("altered");
  return found;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
