CREATE TABLE `vector` (
	`key` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`answer` integer NOT NULL,
	`tenant` text NOT NULL,
	`space` text NOT NULL,
	`sketch` blob NOT NULL,
	FOREIGN KEY (`answer`) REFERENCES `answer`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `vector_answer` ON `vector` (`answer`);--> statement-breakpoint
CREATE INDEX `vector_space` ON `vector` (`tenant`,`space`);--> statement-breakpoint
CREATE TABLE `vector_values` (
	`key` integer PRIMARY KEY NOT NULL,
	`values` blob NOT NULL,
	FOREIGN KEY (`key`) REFERENCES `vector`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
ALTER TABLE `answer` ADD `similar_to` text;--> statement-breakpoint
ALTER TABLE `answer` ADD `similarity` real;--> statement-breakpoint
ALTER TABLE `answer` ADD `verified` integer;