CREATE TABLE `growth` (
	`run` integer NOT NULL,
	`task` text NOT NULL,
	`parent` text,
	`depth` integer NOT NULL,
	`spec_seq` integer,
	`open` integer NOT NULL,
	`detail` text,
	PRIMARY KEY(`run`, `task`),
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
