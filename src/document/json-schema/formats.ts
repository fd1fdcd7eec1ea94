/** The formats of texts that are checked. A format that is not among them is refused when its document is loaded. */
import { z } from 'zod';
import { Pattern } from './pattern.ts';

const dateTime = z.iso.datetime({ offset: true });

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': takes(dateTime),
  date: takes(z.iso.date()),
  time: (text) => dateTime.safeParse(`1970-01-01T${text}`).success,
  duration: takes(z.iso.duration()),
  email: takes(z.email()),
  hostname: takes(z.hostname()),
  ipv4: takes(z.ipv4()),
  ipv6: takes(z.ipv6()),
  uri: (text) => URL.canParse(text),
  'uri-reference': (text) => URL.canParse(text, 'http://localhost'),
  uuid: takes(z.uuid()),
  base64: takes(z.base64()),
  base64url: takes(z.base64url()),
  regex: isPattern,
};

/** Names of the formats that are checked. */
export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);

/** True where a text has a format; `format` is one of `FORMAT_NAMES`. */
export function hasFormat(text: string, format: string): boolean {
  return FORMATS[format]?.(text) ?? false;
}

function takes(schema: z.ZodType): (text: string) => boolean {
  return (text) => schema.safeParse(text).success;
}

function isPattern(text: string): boolean {
  try {
    new Pattern(text);
    return true;
  } catch {
    return false;
  }
}
