let time = 0; // ms, of the last id
let count = 0; // of ids of that millisecond

/**
 * Returns a UUID of version 7 (RFC 9562) that is greater than every other one made here,
 * so that ids sort in the order in which they were made.
 */
export function uuidv7(now: number = Date.now()): string {
  if (now > time) {
    time = now;
    count = 0;
  } else if (++count === 4096) {
    time++;
    count = 0;
  }
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = (bytes[0]! & 0x3f) | 0x80;
  const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0");
  const ms = hex(time, 12);
  const random = [...bytes].map((byte) => hex(byte, 2)).join("");
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex(count, 3)}-${random.slice(0, 4)}-${random.slice(4)}`;
}
