CREATE TABLE `answer` (
	`key` integer PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`hash` text NOT NULL,
	`prompt_hash` text NOT NULL,
	`prompt` text NOT NULL,
	`workflow` text NOT NULL,
	`tags` text NOT NULL,
	`claim_run` integer NOT NULL,
	`claim_actor` text NOT NULL,
	`last_used_at` integer NOT NULL,
	`hit_count` integer NOT NULL,
	`bytes` integer NOT NULL,
	`answered_at` integer,
	`expires_at` integer,
	`model` text,
	`finish_reason` text,
	`cost_nanos` integer,
	`value` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `answer_hash` ON `answer` (`tenant`,`hash`);--> statement-breakpoint
CREATE INDEX `answer_used` ON `answer` (`tenant`,`last_used_at`);--> statement-breakpoint
CREATE INDEX `answer_expires` ON `answer` (`tenant`,`expires_at`);--> statement-breakpoint
CREATE INDEX `answer_workflow` ON `answer` (`tenant`,`workflow`);--> statement-breakpoint
CREATE INDEX `answer_prompt` ON `answer` (`tenant`,`prompt_hash`);--> statement-breakpoint
CREATE TABLE `answer_size` (
	`tenant` text PRIMARY KEY NOT NULL,
	`entries` integer NOT NULL,
	`bytes` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `served` (
	`tenant` text NOT NULL,
	`workflow` text NOT NULL,
	`misses` integer NOT NULL,
	`hits` integer NOT NULL,
	`shared` integer NOT NULL,
	`saved_nanos` integer NOT NULL,
	PRIMARY KEY(`tenant`, `workflow`)
) WITHOUT ROWID;
