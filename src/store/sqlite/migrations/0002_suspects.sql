CREATE TABLE `suspect` (
	`tenant` text NOT NULL,
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`what` text NOT NULL,
	`count` integer NOT NULL,
	`at` integer NOT NULL,
	`alone_since` integer,
	`quarantined_at` integer,
	PRIMARY KEY(`tenant`, `run_id`, `key`)
) WITHOUT ROWID;
