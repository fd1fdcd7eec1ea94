import { defineConfig } from 'drizzle-kit';

/** `npm run migrations` writes the next SQL file after a change of the schema; see the header of `schema.ts`. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './src/store/sqlite/schema.ts',
  out: './src/store/sqlite/migrations',
});
