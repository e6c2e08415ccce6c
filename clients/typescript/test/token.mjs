// Makes the tokens of a server that is started with AUTH_SECRET: secret.
import { createHmac } from "node:crypto";

export const secret = "a-secret-of-the-test-0123456789-0123456789";

export function sign(sub, exp, iat) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub, exp, iat })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
