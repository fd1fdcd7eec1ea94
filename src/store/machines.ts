/** Registered machines, of which the definition must not change under a name. */
export interface MachineStore {
  /** Hash of the definition registered under `name@version`; where it is new, registers the one given, if one is, and returns undefined. */
  machineHash(machine: string, hash?: string): Promise<string | undefined>;
  /** All that were ever registered, as `name@version`. */
  machines(): Promise<readonly string[]>;
}
