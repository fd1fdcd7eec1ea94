CREATE TABLE `shared` (
	`run` integer NOT NULL,
	`key` text NOT NULL,
	`revision` integer NOT NULL,
	`seq` integer NOT NULL,
	PRIMARY KEY(`run`, `key`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `shared_write` (
	`run` integer NOT NULL,
	`write` text NOT NULL,
	`key` text NOT NULL,
	`revision` integer NOT NULL,
	`seq` integer NOT NULL,
	PRIMARY KEY(`run`, `write`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `watch` (
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`key` text NOT NULL,
	`position` integer NOT NULL,
	`open` integer NOT NULL,
	PRIMARY KEY(`run`, `task`, `key`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `watch_open` ON `watch` (`run`,`key`,`position`,`task`) WHERE open = 1;