CREATE TABLE `account` (
	`key` integer PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`run_id` text NOT NULL,
	`workflow_id` text,
	`workflow_name` text,
	`parent_run` text,
	`parent_task` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `account_run` ON `account` (`tenant`,`run_id`);--> statement-breakpoint
CREATE INDEX `account_workflow` ON `account` (`workflow_id`);--> statement-breakpoint
CREATE INDEX `account_name` ON `account` (`workflow_name`);--> statement-breakpoint
CREATE INDEX `account_parent` ON `account` (`parent_run`) WHERE parent_run is not null;--> statement-breakpoint
CREATE TABLE `account_tag` (
	`account` integer NOT NULL,
	`tag` text NOT NULL,
	PRIMARY KEY(`account`, `tag`),
	FOREIGN KEY (`account`) REFERENCES `account`(`key`) ON UPDATE no action ON DELETE no action
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `account_tag_tag` ON `account_tag` (`tag`);--> statement-breakpoint
CREATE TABLE `ledger` (
	`key` integer PRIMARY KEY NOT NULL,
	`account` integer NOT NULL,
	`tariff` integer NOT NULL,
	`at` integer NOT NULL,
	`seq` integer NOT NULL,
	`n` integer NOT NULL,
	`attempt` integer NOT NULL,
	`task` text NOT NULL,
	`call` text NOT NULL,
	`kind` text NOT NULL,
	`input_tokens` integer,
	`cached_input_tokens` integer,
	`cache_write_tokens` integer,
	`output_tokens` integer,
	`reasoning_tokens` integer,
	`cost_nanos` integer,
	FOREIGN KEY (`account`) REFERENCES `account`(`key`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tariff`) REFERENCES `tariff`(`key`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_seq` ON `ledger` (`account`,`seq`,`n`);--> statement-breakpoint
CREATE INDEX `ledger_task` ON `ledger` (`account`,`task`);--> statement-breakpoint
CREATE INDEX `ledger_at` ON `ledger` (`at`);--> statement-breakpoint
CREATE TABLE `tariff` (
	`key` integer PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`answered` text NOT NULL,
	`prices` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tariff_same` ON `tariff` (`provider`,`model`,`answered`,`prices`);