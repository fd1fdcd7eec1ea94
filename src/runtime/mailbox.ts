/**
 * What lies in the mailbox of an actor that is still working, oldest first.
 *
 * A cascade that stops ten thousand tasks goes over fifty groups, and each of them writes what is left of it. What has come
 * long ago is therefore set aside in pages, each stored once, so that a group writes what is new in it and no more (R3).
 */
import { WRITE_REFS } from './actor.ts';
import { Aside } from './codec.ts';
import type { Event } from './xstate.ts';

/** An event, or the wish of a parent that the actor stops. */
export type Mail = { readonly event: Event } | 'stop';

/** Mails of a page. */
const PAGE = 50;

/** Mails as data: before them those that are set aside, without as many as were taken of the first page. */
export type StoredMailbox =
  | readonly [actor: string, mails: readonly Mail[]]
  | readonly [actor: string, mails: readonly Mail[], pages: readonly (readonly Mail[] | Aside)[], taken: number];

/** The mailbox of one actor. */
export class Mailbox {
  #mails: Mail[];
  /** What the first mails are set aside in. */
  #pages: Aside[] = [];
  /** Mails of the first page that were taken. */
  #taken = 0;

  constructor(mails: readonly Mail[] = []) {
    this.#mails = [...mails];
  }

  /** One that was stored. */
  static restore([, mails, pages = [], taken = 0]: StoredMailbox): Mailbox {
    const earlier = (pages as readonly (readonly Mail[])[]).flat();
    return new Mailbox([...earlier.slice(taken), ...mails]);
  }

  /** The oldest mail, left where it is. */
  get first(): Mail | undefined {
    return this.#mails[0];
  }

  get isToStop(): boolean {
    return this.#mails.includes('stop');
  }

  add(mail: Mail): void {
    // XState clears the mailbox of an actor that is told to stop.
    if (mail === 'stop') [this.#mails, this.#pages, this.#taken] = [[], [], 0];
    this.#mails.push(mail);
  }

  dropFirst(): void {
    this.#mails.shift();
    if (this.#pages.length === 0 || ++this.#taken < PAGE) return;
    this.#pages.shift();
    this.#taken = 0;
  }

  store(actor: string): StoredMailbox {
    let aside = this.#pages.length * PAGE - this.#taken;
    // The last page is left open: most mailboxes never have one.
    for (; this.#mails.length - aside >= 2 * PAGE; aside += PAGE)
      this.#pages.push(new Aside(this.#mails.slice(aside, aside + PAGE), 'mailbox', WRITE_REFS));
    const rest = this.#mails.slice(aside);
    return this.#pages.length === 0 ? [actor, rest] : [actor, rest, [...this.#pages], this.#taken];
  }
}
