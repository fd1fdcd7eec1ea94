CREATE TABLE `journal_new` (
	`position` integer PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`facts` integer NOT NULL,
	`count` integer NOT NULL,
	`entries` text NOT NULL,
	FOREIGN KEY (`run`) REFERENCES `run`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
INSERT INTO `journal_new`
SELECT `position`, `run`, `seq`, coalesce(max(`fact_seq`) OVER (PARTITION BY `run` ORDER BY `seq`), 0), 1,
	json_array(substr(`kind`, 1, 1), `at`, `actor`, `type`) || char(9) || `data` || char(10)
FROM `journal`;
--> statement-breakpoint
DROP TABLE `journal`;
--> statement-breakpoint
ALTER TABLE `journal_new` RENAME TO `journal`;
--> statement-breakpoint
CREATE UNIQUE INDEX `journal_seq` ON `journal` (`run`,`seq`);
