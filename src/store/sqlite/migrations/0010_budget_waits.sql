CREATE TABLE `budget_wait` (
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`call` text NOT NULL,
	`need` integer NOT NULL,
	`least` integer NOT NULL,
	`open` integer NOT NULL,
	PRIMARY KEY(`run`, `task`, `call`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `budget_wait_open` ON `budget_wait` (`run`,`least`,`task`,`call`) WHERE open = 1;