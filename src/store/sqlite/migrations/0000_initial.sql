CREATE TABLE `actor` (
	`key` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`address` text NOT NULL,
	`birth` integer NOT NULL,
	`status` text NOT NULL,
	`state` text NOT NULL,
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `actor_address` ON `actor` (`run`,`address`);--> statement-breakpoint
CREATE TABLE `approval` (
	`order` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`status` text NOT NULL,
	`prompt` text NOT NULL,
	`requested_at` integer NOT NULL,
	`expires_at` integer,
	`decided_at` integer,
	`decision` text,
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `approval_task` ON `approval` (`run`,`task`);--> statement-breakpoint
CREATE INDEX `approval_status` ON `approval` (`status`);--> statement-breakpoint
CREATE TABLE `blob` (
	`hash` text PRIMARY KEY NOT NULL,
	`text` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `blob_use` (
	`run` integer NOT NULL,
	`hash` text NOT NULL,
	`holder` text NOT NULL,
	PRIMARY KEY(`run`, `hash`, `holder`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`hash`) REFERENCES `blob`(`hash`) ON UPDATE no action ON DELETE no action
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `blob_use_hash` ON `blob_use` (`hash`);--> statement-breakpoint
CREATE TABLE `effect` (
	`run` integer NOT NULL,
	`token` text NOT NULL,
	`actor` text NOT NULL,
	`src` text NOT NULL,
	`marked` integer NOT NULL,
	`effect` text NOT NULL,
	PRIMARY KEY(`run`, `token`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `high_water` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `journal` (
	`position` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`fact_seq` integer,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`actor` text NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `journal_seq` ON `journal` (`run`,`seq`);--> statement-breakpoint
CREATE TABLE `machine` (
	`machine` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `message` (
	`id` integer PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`from_run` text NOT NULL,
	`to_run` text NOT NULL,
	`event` text NOT NULL,
	`blobs` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run` (
	`key` integer PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`id` text NOT NULL,
	`machine` text NOT NULL,
	`workflow_id` text,
	`workflow_name` text,
	`workflow_version` integer,
	`tags` text NOT NULL,
	`seed` text NOT NULL,
	`created_at` integer NOT NULL,
	`input` text,
	`idempotency_key` text,
	`body_hash` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `run_id` ON `run` (`tenant`,`id`);--> statement-breakpoint
CREATE INDEX `run_tenant` ON `run` (`tenant`);--> statement-breakpoint
CREATE UNIQUE INDEX `run_idempotency` ON `run` (`tenant`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX `run_workflow` ON `run` (`workflow_id`) WHERE workflow_id is not null;--> statement-breakpoint
CREATE TABLE `run_state` (
	`run` integer PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL,
	`status` text NOT NULL,
	`seq` integer NOT NULL,
	`facts` integer NOT NULL,
	`last_at` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`progress` real NOT NULL,
	`counts` text NOT NULL,
	`reason` text,
	`output` text,
	`system_ids` text NOT NULL,
	`agenda` text,
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `run_state_status` ON `run_state` (`status`);--> statement-breakpoint
CREATE INDEX `run_state_cut` ON `run_state` (`run`) WHERE agenda is not null;--> statement-breakpoint
CREATE TABLE `run_tag` (
	`run` integer NOT NULL,
	`tag` text NOT NULL,
	PRIMARY KEY(`run`, `tag`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `run_tag_tag` ON `run_tag` (`tag`);--> statement-breakpoint
CREATE TABLE `taken` (
	`run` integer NOT NULL,
	`id` text NOT NULL,
	`seq` integer NOT NULL,
	PRIMARY KEY(`run`, `id`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `task` (
	`run` integer NOT NULL,
	`name` text NOT NULL,
	`position` integer NOT NULL,
	`status` text NOT NULL,
	`waiting` integer NOT NULL,
	`ready` integer NOT NULL,
	`live` integer NOT NULL,
	`attempts` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`result_seq` integer,
	`detail` text,
	PRIMARY KEY(`run`, `name`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `task_position` ON `task` (`run`,`position`);--> statement-breakpoint
CREATE INDEX `task_ready` ON `task` (`run`,`position`) WHERE ready = 1;--> statement-breakpoint
CREATE TABLE `timer` (
	`run` integer NOT NULL,
	`token` text NOT NULL,
	`due` integer NOT NULL,
	`source` text NOT NULL,
	`timer` text NOT NULL,
	PRIMARY KEY(`run`, `token`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `timer_due` ON `timer` (`due`);--> statement-breakpoint
CREATE TABLE `workflow` (
	`key` integer PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`newest` integer NOT NULL,
	`deleted_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `workflow_id` ON `workflow` (`tenant`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `workflow_name` ON `workflow` (`tenant`,`name`) WHERE deleted_at is null;--> statement-breakpoint
CREATE TABLE `workflow_tag` (
	`tag` text NOT NULL,
	`workflow` integer NOT NULL,
	PRIMARY KEY(`tag`, `workflow`),
	FOREIGN KEY (`workflow`) REFERENCES `workflow`(`key`) ON UPDATE no action ON DELETE no action
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `workflow_tag_workflow` ON `workflow_tag` (`workflow`);--> statement-breakpoint
CREATE TABLE `workflow_version` (
	`workflow` integer NOT NULL,
	`version` integer NOT NULL,
	`name` text NOT NULL,
	`tags` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`document` text NOT NULL,
	PRIMARY KEY(`workflow`, `version`),
	FOREIGN KEY (`workflow`) REFERENCES `workflow`(`key`) ON UPDATE no action ON DELETE no action
);
