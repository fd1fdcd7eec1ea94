import type { RunKey } from './runs.ts';
import type { RowPage } from './tasks.ts';

/** A question put to a person. */
export interface ApprovalRow {
  readonly task: string;
  readonly status: 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled';
  readonly prompt: string;
  readonly requestedAt: number;
  readonly expiresAt: number | null;
  readonly decidedAt: number | null;
  /** `{approved, reason, by}`. */
  readonly decisionJson: string | null;
}

/** An approval with the run it belongs to. */
export interface PendingApproval extends ApprovalRow, RunKey {
  /** Ascending; cursor of the list. */
  readonly order: number;
}

/** Questions to people. */
export interface ApprovalStore {
  approvals(
    tenant: string,
    page: RowPage & { readonly status?: ApprovalRow['status'] },
  ): Promise<readonly PendingApproval[]>;
}
