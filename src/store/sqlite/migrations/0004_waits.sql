CREATE TABLE `event_type` (
	`run` integer NOT NULL,
	`type` text NOT NULL,
	`to_come` integer NOT NULL,
	`waiting` integer NOT NULL,
	`kept` integer NOT NULL,
	PRIMARY KEY(`run`, `type`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `kept_event` (
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`taken_by` text,
	PRIMARY KEY(`run`, `seq`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `kept_event_untaken` ON `kept_event` (`run`,`type`,`seq`) WHERE taken_by is null;--> statement-breakpoint
CREATE TABLE `wait` (
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`type` text NOT NULL,
	`position` integer NOT NULL,
	`open` integer NOT NULL,
	PRIMARY KEY(`run`, `task`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `wait_open` ON `wait` (`run`,`type`,`position`,`task`) WHERE open = 1;