CREATE TABLE `forked_from` (
	`run` integer NOT NULL,
	`distance` integer NOT NULL,
	`origin` text NOT NULL,
	PRIMARY KEY(`run`, `distance`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `forked_from_origin` ON `forked_from` (`origin`);--> statement-breakpoint
ALTER TABLE `run` ADD `fork` text;