import { LibsqlDialect } from "@libsql/kysely-libsql";
import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";

export const auth = betterAuth({
  database: { dialect: new LibsqlDialect({ url: process.env.USERS_DATABASE ?? "file:users.db" }), type: "sqlite" },
  emailAndPassword: { enabled: true },
  plugins: [jwt()], // baseURL and secret come from BETTER_AUTH_URL and BETTER_AUTH_SECRET
});
